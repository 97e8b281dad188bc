"""Divide the long tests into parts, of which one run of CI takes one: all would take too long.

A file is in one part, so that its tests share what they set up. What says most about the whole
runs each time.
"""

from __future__ import annotations

from hashlib import sha512
from pathlib import PurePath

# Folders and files whose long tests are in each part.
ALWAYS = frozenset(
    {
        "conformance",
        "test_build.py",
        "test_command_line.py",
        "test_ports.py",
        "test_reuse.py",
        "test_the_same_everywhere.py",
    }
)


def part_of(text: str) -> tuple[int, int]:
    """Return a part's number, from 1, and how many there are, as in `2/4`.

    Raises:
        ValueError: It is something else.
    """
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise ValueError(f"{text!r} is no part: write 2/4 for the second of four")
    return int(number), int(count)


def is_in_part(file: PurePath, part: tuple[int, int]) -> bool:
    """Return whether the long tests of a file, relative to the repository, are in a part."""
    number, count = part
    # Of the hashes, the one with which six parts took about the same time.
    digest = sha512(file.name.encode()).digest()
    return not ALWAYS.isdisjoint(file.parts) or digest[0] % count == number - 1
