"""The artifacts of one run at a place, and the copy of the latest run's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from floe_artifacts.place import Place
from floe_artifacts.published_runs import LATEST, IndexOfRuns
from floe_artifacts.run_files import Json

MANIFEST, RESULTS, SOURCES = "manifest.json", "run_results.json", "sources.json"
CATALOG, SITE = "catalog.json", "index.html"
# Written in this order: who finds results finds what they are about.
NAMES = (MANIFEST, SITE, CATALOG, SOURCES, RESULTS)
# What each build of the run has contributed.
_PARTS = ".parts"

Files = Mapping[str, bytes]


class RunSet:
    """The artifacts of one run, to which all of its builds contribute, in any process.

    Every method raises EnvironmentProblemError if the place cannot be read or written.
    """

    def __init__(self, product: Place, folder: str) -> None:
        self._place = product.below(folder)
        self._parts = self._place.below(_PARTS)

    @property
    def shown_as(self) -> str:
        """Where the artifacts are, without secrets."""
        return self._place.shown_as

    def add(self, name: str, part: bytes, merge: Callable[[list[Json]], Files]) -> None:
        """Write a build's part, and then the files that `merge` makes of all parts.

        Builds may end at the same time: each looks again for further parts once it has written, so
        the last one to write knows all of them.
        """
        self._parts.write({name: part})
        known, now = list[str](), self._parts.list_names()
        while known != now:
            known = now
            self.write(merge(self._read(known)))
            now = self._parts.list_names()

    def write(self, files: Files) -> None:
        """Write artifacts of the run, each as a whole."""
        self._place.write(_in_order(files))

    def files(self) -> Files:
        """Return the artifacts that are there."""
        found = ((name, self._place.read(name)) for name in NAMES)
        return {name: content for name, content in found if content is not None}

    def remove(self) -> None:
        """Remove what floe has written, and the folder if it has nothing else."""
        self._parts.remove(self._parts.list_names())
        self._place.remove(NAMES)

    def _read(self, names: list[str]) -> list[Json]:
        contents = (self._parts.read(name) for name in names)
        return [json.loads(content) for content in contents if content is not None]


def copy_latest(product: Place, index: IndexOfRuns) -> None:
    """Make `latest` a copy of the artifacts of the run that was written last.

    While it is replaced, files of the new run are never beside others of the old one: first all but
    the manifest are removed, then the manifest is replaced, and then the others are written.
    Another process may do the same for a later run: who writes looks again whether it was the last.
    """
    latest, copied = product.below(LATEST), -1
    runs = index.read()
    while runs.version != copied:
        files = RunSet(product, runs.latest).files()
        latest.remove(name for name in reversed(NAMES) if name != MANIFEST)
        latest.write(_in_order(files))
        copied, runs = runs.version, index.read()


def _in_order(files: Files) -> Files:
    return {name: files[name] for name in NAMES if name in files}
