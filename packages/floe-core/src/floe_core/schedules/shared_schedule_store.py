"""Store schedules in a file, at an fsspec URL or in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

from floe_core.schedules.schedule_override import Overrides, overrides_in, text_of
from floe_core.storage.shared_text import SharedText


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
