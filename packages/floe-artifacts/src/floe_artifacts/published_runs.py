"""The runs of a product whose artifacts are at a place: which is the latest, and which are old."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from floe_artifacts.place import Place
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_request import BuildRequest
from floe_core.storage.shared_text import shared_text

LATEST = "latest"
_NAME = "floe-runs"


def folder_of_run(request: BuildRequest) -> str:
    """Return the folder of the run that a build belongs to; a retry has that of the first run.

    >>> folder_of_run(BuildRequest("shop", "shop.manual__2026-11-30T08:00:00+00:00.build"))
    'shop.manual__2026-11-30T08:00:00+00:00.build'
    """
    name = quote(request.root_run_id or request.whole_run_id, safe=" :+@=,")
    # Neither `.`, `..` nor a name of floe's own.
    is_name = name.strip(".") and name not in (LATEST, _NAME)
    return name if is_name else f"run-{name}"


@dataclass(frozen=True, slots=True)
class PublishedRuns:
    """Folder of a run -> when it was last written to, in UTC; `latest` was written last of all.

    `version` counts the changes.
    """

    ended: Mapping[str, str]
    latest: str = ""
    version: int = 0

    def with_run(self, folder: str, now: datetime) -> PublishedRuns:
        """Return these with a run that has just been written."""
        return PublishedRuns({**self.ended, folder: now.isoformat()}, folder, self.version + 1)

    def superfluous(self, now: datetime, days: int, runs: int) -> list[str]:
        """Return the folders of runs that are older than so many days or have so many after them.

        >>> ended = {"a": "2026-11-01T00:00:00+00:00", "b": "2026-11-30T00:00:00+00:00"}
        >>> PublishedRuns(ended, "b").superfluous(datetime.fromisoformat(ended["b"]), 7, 100)
        ['a']
        """
        newest = sorted(self.ended, key=lambda each: self.ended[each], reverse=True)
        oldest = now - timedelta(days=days)
        late = {each for each in newest if datetime.fromisoformat(self.ended[each]) < oldest}
        return [each for each in newest if each in {*late, *newest[runs:]} and each != self.latest]

    def without(self, folders: Iterable[str]) -> PublishedRuns:
        """Return these without some runs."""
        left = {folder: ended for folder, ended in self.ended.items() if folder not in {*folders}}
        return PublishedRuns(left, self.latest, self.version)


class IndexOfRuns:
    """The list of the runs at a place, which several processes may change at the same time.

    Every method raises EnvironmentProblemError if it cannot be read or written.
    """

    def __init__(self, place: Place) -> None:
        self._text = shared_text(place.address, _NAME, needs_folder=False)

    def read(self) -> PublishedRuns:
        """Return the runs."""
        return self._parsed(self._text.read())

    def add(self, folder: str, now: datetime, days: int, runs: int) -> list[str]:
        """Add a run as the latest, and take old ones off; return the folders of those."""
        old = list[str]()

        def change(content: bytes | None) -> bytes:
            nonlocal old
            added = self._parsed(content).with_run(folder, now)
            old = added.superfluous(now, days, runs)
            return _to_bytes(added.without(old))

        self._text.change(change)
        return old

    def _parsed(self, content: bytes | None) -> PublishedRuns:
        if content is None:
            return PublishedRuns({})
        try:
            fields = json.loads(content)
            for ended in fields["ended"].values():
                datetime.fromisoformat(ended)
            return PublishedRuns(fields["ended"], fields["latest"], int(fields["version"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            what = f"{self._text.place}: is not a list of runs; move it away to begin a new one"
            raise EnvironmentProblemError(what) from None


def _to_bytes(runs: PublishedRuns) -> bytes:
    fields = {"ended": runs.ended, "latest": runs.latest, "version": runs.version}
    return (json.dumps(fields) + "\n").encode()
