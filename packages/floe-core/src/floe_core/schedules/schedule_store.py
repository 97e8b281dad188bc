"""Stores for schedules that were set at run time, one text for each product."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

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


class ScheduleStore(Protocol):
    """Keeps the overrides of one product: job name -> override."""

    @property
    def place(self) -> str:
        """The store's place, to show to a person; it contains no secret."""

    def read(self) -> Overrides:
        """Return the stored overrides; none if nothing was ever written.

        Raises:
            EnvironmentProblemError: The store cannot be read, or holds something else.
        """

    def change(self, changed: Callable[[Overrides], Overrides]) -> None:
        """Replace the overrides with the function's result, completely or not at all.

        Concurrent changes are not lost: the function sees them, and may be called more than once.

        Raises:
            EnvironmentProblemError: The store cannot be written; its content stays as it was.
        """


def store_of(artifacts: CompiledArtifacts) -> ScheduleStore | None:
    """Return the store of a product, None for artifacts that come from no folder and name none.

    In an environment it has the overrides that were set without any, too, and changes its own.
    """
    name, settings = artifacts.product.name, artifacts.orchestrator.config
    store = store_for(name, settings, artifacts.project_dir)
    return store and _StoreOfEnvironment(store, artifacts.environment)


class _StoreOfEnvironment:
    """The overrides of one environment, "" for none, over those that were set without any."""

    def __init__(self, store: ScheduleStore, environment: str) -> None:
        self._store = store
        self._environment = environment

    @property
    def place(self) -> str:
        return self._store.place

    def read(self) -> Overrides:
        return self._seen(self._store.read())

    def change(self, changed: Callable[[Overrides], Overrides]) -> None:
        environment = self._environment

        def with_own(kept: Overrides) -> Overrides:
            others = {name: kept[name] for name in kept if _environment_of(name) != environment}
            own = {
                name_in_environment(name, environment): each
                for name, each in changed(self._seen(kept)).items()
                if others.get(name) != each
            }
            return {**others, **own}

        self._store.change(with_own)

    def _seen(self, kept: Overrides) -> Overrides:
        names = sorted(kept, key=_environment_of)  # Its own come last.
        own = ("", self._environment)
        return {n.partition("@")[0]: kept[n] for n in names if _environment_of(n) in own}


def _environment_of(name: str) -> str:
    return name.partition("@")[2]


def store_for(
    product_name: str, settings: Mapping[str, Any], project_dir: Path | None
) -> ScheduleStore | None:
    """Return the store of a product by its name, its orchestrator's settings and its folder.

    `$FLOE_SCHEDULE_STORE`, or else the setting `schedule_store`, is a folder, an fsspec URL or
    a PostgreSQL database that products share; without either, it is a file in the compiled folder.

    Raises:
        EnvironmentProblemError: The setting names a variable that is not set.
    """
    from floe_core.storage.shared_text import POSTGRES, FileText, ObjectsText, shared_text

    place = shared_place(settings)
    if not place:
        file = project_dir and FileText(project_dir / f"{SCHEDULES}.json", advice=_ELSEWHERE)
        return SharedScheduleStore(file) if file else None
    if "://" in place and not place.startswith(("file://", *POSTGRES)):
        url = f"{place.rstrip('/')}/{product_name}"
        return SharedScheduleStore(ObjectsText(url, "the schedules"))
    return SharedScheduleStore(shared_text(place, f"{product_name}.{SCHEDULES}"))


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


class SharedScheduleStore:
    """The schedules as one shared text."""

    def __init__(self, text: SharedText) -> None:
        self._text = text

    @property
    def place(self) -> str:
        """The text's place, without secrets."""
        return self._text.place

    def read(self) -> Overrides:
        """See `ScheduleStore.read`."""
        return self._overrides(self._text.read())

    def change(self, changed: Callable[[Overrides], Overrides]) -> None:
        """See `ScheduleStore.change`."""
        self._text.change(
            lambda content: f"{text_of(changed(self._overrides(content)))}\n".encode()
        )

    def _overrides(self, content: bytes | None) -> Overrides:
        return {} if content is None else overrides_in(content, self.place)
