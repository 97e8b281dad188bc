"""Stores for schedules that were set at run time, one text for each product."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules.schedule_override import Overrides, overrides_in, text_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.secrets.references import setting
from floe_core.storage.environment_choice import name_in_environment

if TYPE_CHECKING:
    from floe_core.storage.shared_text import SharedText

STORE_VARIABLE = "FLOE_SCHEDULE_STORE"
STORE_SETTING = "schedule_store"
# The names of two texts: the schedules, and the claims of ticks.
SCHEDULES = "schedules"
CLAIMS = "claims"
_ELSEWHERE = f"; name a folder or URL that can in {STORE_VARIABLE}"


class ScheduleStore:
    """The overrides of one product, as one shared text: job name -> override.

    In an environment, "" for none, it also has those set without any, and changes its own only.
    """

    def __init__(self, text: SharedText, environment: str = "") -> None:
        self._text = text
        self._environment = environment

    @property
    def place(self) -> str:
        """The store's place, to show to a person; it contains no secret."""
        return self._text.place

    def read(self) -> Overrides:
        """Return the stored overrides; none if nothing was ever written.

        Raises:
            EnvironmentProblemError: The store cannot be read, or holds something else.
        """
        return self._seen(self._kept(self._text.read()))

    def change(self, changed: Callable[[Overrides], Overrides]) -> None:
        """Replace the overrides with the function's result, completely or not at all.

        Concurrent changes are not lost: the function sees them, and may be called more than once.

        Raises:
            EnvironmentProblemError: The store cannot be written; its content stays as it was.
        """
        environment = self._environment

        def with_own(content: bytes | None) -> bytes:
            kept = self._kept(content)
            others = {name: kept[name] for name in kept if _environment_of(name) != environment}
            own = {
                name_in_environment(name, environment): each
                for name, each in changed(self._seen(kept)).items()
                if others.get(name) != each
            }
            return f"{text_of({**others, **own})}\n".encode()

        self._text.change(with_own)

    def _kept(self, content: bytes | None) -> Overrides:
        return {} if content is None else overrides_in(content, self.place)

    def _seen(self, kept: Overrides) -> Overrides:
        names = sorted(kept, key=_environment_of)  # Its own come last.
        own = ("", self._environment)
        return {n.partition("@")[0]: kept[n] for n in names if _environment_of(n) in own}


def _environment_of(name: str) -> str:
    return name.partition("@")[2]


def store_of(artifacts: CompiledArtifacts) -> ScheduleStore | None:
    """Return the store of a product, None for artifacts that come from no folder and name none."""
    name, settings = artifacts.product.name, artifacts.orchestrator.config
    return store_for(name, settings, artifacts.project_dir, artifacts.environment)


def store_for(
    product_name: str, settings: Mapping[str, Any], project_dir: Path | None, environment: str
) -> ScheduleStore | None:
    """Return the store of a product by its name, its orchestrator's settings and its folder.

    `$FLOE_SCHEDULE_STORE`, or else the setting `schedule_store`, is a folder, an fsspec URL or
    a PostgreSQL database that products share; without either, it is a file in the compiled folder.

    Raises:
        EnvironmentProblemError: The setting names a variable that is not set.
    """
    from floe_core.storage.shared_text import POSTGRES, FileText, shared_text

    place = shared_place(settings)
    if place:
        is_url = "://" in place and not place.startswith(("file://", *POSTGRES))
        # Objects at a URL have the name that version 0.1 gave them.
        name = product_name if is_url else f"{product_name}.{SCHEDULES}"
        return ScheduleStore(shared_text(place, name), environment)
    if project_dir is None:
        return None
    file = FileText(project_dir / f"{SCHEDULES}.json", advice=_ELSEWHERE)
    return ScheduleStore(file, environment)


def shared_place(settings: Mapping[str, Any]) -> str:
    """Return the place that products share, "" if they share none.

    Raises:
        EnvironmentProblemError: The setting names a variable that is not set.
    """
    return os.environ.get(STORE_VARIABLE) or place_in(settings)


def place_in(settings: Mapping[str, Any]) -> str:
    """Return the store's place in an orchestrator's settings, "" if they name none.

    Raises:
        EnvironmentProblemError: The setting names a variable that is not set.
    """
    try:
        return setting(settings, STORE_SETTING)
    except ValueError as error:
        raise EnvironmentProblemError(f"the store of schedules: {error}") from None
