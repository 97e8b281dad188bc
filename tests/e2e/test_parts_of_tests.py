"""The parts of the long tests are all of them, each once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from parts_of_tests import ALWAYS, is_in_part, part_of

pytestmark = pytest.mark.quick
ROOT = Path(__file__).parents[2]
FILES = [
    path.relative_to(ROOT)
    for folder in ("packages", "plugins", "tests")
    for path in (ROOT / folder).rglob("test_*.py")
]


@pytest.mark.parametrize("count", [1, 3, 6])
def test_each_file_is_in_one_part_or_in_all(count: int) -> None:
    found = Counter(
        file for number in range(count) for file in FILES if is_in_part(file, (number + 1, count))
    )
    assert found.keys() == set(FILES)
    always = {file for file in FILES if ALWAYS & set(file.parts)}
    assert {file for file, times in found.items() if times > 1} <= always
    assert all(found[file] == count for file in always)


def test_what_always_runs_is_there() -> None:
    assert set().union(*(file.parts for file in FILES)) >= ALWAYS


@pytest.mark.parametrize("text", ["", "2", "0/4", "5/4", "a/b", "1/-1"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no part: write 2/4"):
        part_of(text)
