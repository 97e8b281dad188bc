"""Several builds and runs write at the same time; what is left at the end is whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from floe_artifacts.place import Place
from floe_artifacts.published_runs import IndexOfRuns, folder_of_run
from floe_artifacts.run_set import MANIFEST, RESULTS, SOURCES, RunSet, copy_latest
from floe_core.runs.build_request import BuildRequest

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
Json = dict[str, object]


def merged(parts: list[Json]) -> dict[str, bytes]:
    names = sorted(str(part["name"]) for part in parts)
    return dict.fromkeys((MANIFEST, RESULTS), json.dumps(names).encode())


def part(name: str) -> bytes:
    return json.dumps({"name": name}).encode()


def test_a_build_that_ends_meanwhile_is_not_lost(tmp_path: Path) -> None:
    """The slower of two writers merges what it saw before the other wrote, and looks again."""
    product = Place(str(tmp_path))
    slow, quick = RunSet(product, "1"), RunSet(product, "1")
    begun: list[int] = []

    def merge_slowly(parts: list[Json]) -> dict[str, bytes]:
        begun.append(len(parts))
        if len(begun) == 1:
            quick.add("b.json", part("b"), merged)
        return merged(parts)

    slow.add("a.json", part("a"), merge_slowly)
    assert begun == [1, 2]
    assert {*slow.files().values()} == {b'["a", "b"]'}


def test_latest_is_of_the_last_run_whoever_copies_last(tmp_path: Path) -> None:
    product, index = Place(str(tmp_path)), IndexOfRuns(Place(str(tmp_path)))
    for folder in ("1", "2"):
        RunSet(product, folder).write(dict.fromkeys((MANIFEST, RESULTS), folder.encode()))
    RunSet(product, "1").write({SOURCES: b"1"})
    index.add("1", NOW, 30, 100)

    class OtherWritesMeanwhile(IndexOfRuns):
        """The list as a process sees it that is overtaken after its first look."""

        looked = False

        def read(self):  # type: ignore[no-untyped-def]
            found = super().read()
            if not self.looked:
                self.looked = True
                index.add("2", NOW, 30, 100)
                copy_latest(product, index)
            return found

    copy_latest(product, OtherWritesMeanwhile(product))
    assert RunSet(product, "latest").files() == {MANIFEST: b"2", RESULTS: b"2"}


def test_old_runs_are_removed_and_what_is_not_floes_stays(tmp_path: Path) -> None:
    product, index = Place(str(tmp_path)), IndexOfRuns(Place(str(tmp_path)))
    for number in range(5):
        run = RunSet(product, str(number))
        run.add("a.json", part("a"), merged)
        old = index.add(str(number), NOW + timedelta(days=number), 3, 2)
        for each in old:
            RunSet(product, each).remove()
        if number == 1:
            (tmp_path / "1" / "notes.txt").write_text("kept")
    left = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert left == ["1", "3", "4"]
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["notes.txt"]
    assert sorted(index.read().ended) == ["3", "4"]


def test_the_latest_run_stays_however_old(tmp_path: Path) -> None:
    index = IndexOfRuns(Place(str(tmp_path)))
    index.add("1", NOW, 1, 1)
    runs = index.read()
    assert runs.superfluous(NOW + timedelta(days=400), 1, 1) == []


def test_builds_of_one_run_have_one_folder() -> None:
    def folder(run_id: str, **more: str) -> str:
        return folder_of_run(BuildRequest("shop", run_id, **more))

    assert folder("5f.group", part="group") == folder("5f")
    assert folder("6a", root_run_id="5f") == "5f"
    assert [folder(name) for name in ("..", "latest", "a/b")] == ["run-..", "run-latest", "a%2Fb"]
