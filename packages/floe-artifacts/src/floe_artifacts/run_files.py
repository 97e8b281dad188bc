"""Read what dbt wrote to the folder of a run, in all of its calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from floe_core.runs.dbt_files import EARLIER
from floe_core.storage.files import file_in, read_regular

Json = dict[str, Any]
_ATTEMPT = re.compile(r"attempt-(\d+)(-freshness|-plan)?")
_GENERIC_TESTS = "generic_tests/*.sql"
_RESULTS, _SOURCES, _MANIFEST = "run_results.json", "sources.json", "manifest.json"


@dataclass(frozen=True, slots=True)
class Call:
    """What dbt wrote about one of its calls; `attempt` is the attempt of the run that called it."""

    attempt: int
    content: Json

    @property
    def rows(self) -> list[Json]:
        """The results, one for each node or source."""
        return [row for row in self.content["results"] if isinstance(row.get("unique_id"), str)]

    @property
    def invocation_id(self) -> str:
        """dbt's id of the call, "" if it wrote none."""
        return str(self.content["metadata"].get("invocation_id") or "")


class RunFiles:
    """The files of one run on this machine. What is damaged or missing counts as not written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def builds(self) -> list[Call]:
        """Return the builds and tests of the run, in order."""
        return [*self._calls("", _RESULTS)]

    def compilations(self) -> list[Call]:
        """Return the calls in which dbt only compiled nodes, to decide what can be reused."""
        return [*self._calls("-plan", _RESULTS)]

    def measurements(self) -> list[Call]:
        """Return the calls that measured the freshness of sources, in order."""
        return [*self._calls("-freshness", _SOURCES)]

    def manifest(self) -> Json | None:
        """Return the manifest that dbt wrote last, None if it wrote none."""
        for _, folder in reversed(self._attempts("")):
            found = read_json(folder / _MANIFEST)
            if found is not None:
                return found
        return None

    def compiled_code(self, node: Json) -> str | None:
        """Return the code of a node that dbt compiled in one of its calls, None if it did not.

        dbt's manifest has that of the last call. Its results lack ephemeral models; those of dbt 2
        have no code.
        """
        own = compiled_path(node)
        paths = [own, str(PurePath(own, node["path"]))]
        files = (file_in(folder, path) for folder in self._compiled_folders for path in paths)
        path = next(filter(None, files), None)
        if path is None and node["resource_type"] == "test":
            path = self._generic_tests_of_dbt_2.get(node["path"])
        return None if path is None else read_regular(path)

    @cached_property
    def _compiled_folders(self) -> list[Path]:
        """The folders of compiled code, of the last attempt first."""
        return [folder / "compiled" for _, folder in reversed(self._attempts(""))]

    @cached_property
    def _generic_tests_of_dbt_2(self) -> dict[str, Path]:
        """Name of a file -> where dbt 2 wrote it: below the folder of its own files once more."""
        folders = reversed(self._compiled_folders)
        return {path.name: path for folder in folders for path in folder.rglob(_GENERIC_TESTS)}

    def _calls(self, kind: str, name: str) -> Iterator[Call]:
        for attempt, folder in self._attempts(kind):
            for path in (*sorted((folder / EARLIER).glob(f"*.{name}")), folder / name):
                content = read_json(path)
                if content is not None and _is_complete(content):
                    yield Call(attempt, content)

    def _attempts(self, kind: str) -> list[tuple[int, Path]]:
        """Return the attempts' folders of one kind, in order."""
        found = ((_ATTEMPT.fullmatch(path.name), path) for path in self._folder.glob("attempt-*"))
        return sorted((int(m[1]), path) for m, path in found if m and (m[2] or "") == kind)


def compiled_path(node: Json) -> str:
    """Return where dbt writes the compiled code of a node, below its folder for that.

    A generic test has a file of its own in a folder named as the file that declares it.

    >>> compiled_path({"package_name": "shop", "original_file_path": "models/a.sql"})
    'shop/models/a.sql'
    """
    declared = PurePath(node["original_file_path"])
    is_generic = declared.suffix in (".yml", ".yaml")
    own = declared / node["path"] if is_generic else declared
    return str(PurePath(node["package_name"], own))


def read_json(path: Path) -> Json | None:
    """Return the object in a file of JSON; None if there is none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_complete(content: Mapping[str, Any]) -> bool:
    results, metadata = content.get("results"), content.get("metadata")
    is_list = isinstance(results, list) and all(isinstance(row, dict) for row in results)
    return is_list and isinstance(metadata, dict)
