"""Schedules at an fsspec URL, for processes that share no disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from floe_core.errors import EnvironmentProblemError
from floe_core.numbered_objects import ATTEMPTS, NumberedObjects, ObjectsBusyError, ObjectsError
from floe_core.schedules.schedule_override import Overrides, overrides_in, text_of
from floe_core.service_probe import without_secrets


class ObjectScheduleStore:
    """A folder of numbered objects below a URL; see `NumberedObjects`."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def place(self) -> str:
        """The URL without secrets."""
        return without_secrets(self.url)

    def read(self) -> Overrides:
        """See `ScheduleStore.read`."""
        with self._explained():
            return self._overrides(NumberedObjects(self.url).read())

    def change(self, changed: Callable[[Overrides], Overrides]) -> None:
        """See `ScheduleStore.change`."""
        with self._explained():
            NumberedObjects(self.url).change(
                lambda content: text_of(changed(self._overrides(content))).encode()
            )

    def _overrides(self, content: bytes | None) -> Overrides:
        return {} if content is None else overrides_in(content, self.place)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise what goes wrong with the objects as a problem with the schedules."""
        try:
            yield
        except ObjectsBusyError:
            raise EnvironmentProblemError(
                f"{self.place}: others changed the schedules {ATTEMPTS} times meanwhile; try again"
            ) from None
        except ObjectsError as error:
            raise EnvironmentProblemError(self._why(error)) from error.cause

    def _why(self, error: ObjectsError) -> str:
        cause = error.cause
        if isinstance(cause, ImportError) and (cause.name or "").partition(".")[0] == "fsspec":
            return (
                f"{self.place}: a schedule store at a URL needs the package fsspec, and the one "
                "for that kind of URL, such as s3fs or gcsfs; install them"
            )
        kind = type(cause).__name__
        return f"{self.place}: the schedules cannot be {error.action} ({kind}: {cause})"
