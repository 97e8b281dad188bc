"""Damage to files, the same each time: by bytes, by lines, and by the structure of JSON and YAML."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

LONG_WORD = "a" * 300_000
VALUES: list[Any] = [
    *(None, True, -1, 0, 1.5, 10**400, "", " ", "a b", "ünï", "\x00", "../../../x", "/" * 5000),
    *("9" * 5000, "a" * 5000, "é" * 300, "{{", "{{ env_var('NOT_SET_ANYWHERE') }}", "${NOT_SET}"),
    *(
        "* * * * * *",
        "99 99 * * *",
        "Mars/Olympus",
        "2026-13-45T99:99:99Z",
        "http://[::1",
        "\ud800",
    ),
    *([], {}, [[]], [None], {"": ""}, {"a": {"b": {}}}, [1, "a", None], "<!--<script>", LONG_WORD),
]
BYTES = [
    b"\x00",
    b"\xff",
    b"\xc3",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"- ",
    b"&a ",
    b"*a",
    b"<<: ",
    b"\t",
]


def mutated(text: bytes, seed: int) -> bytes:
    """Return a file's content with one to three damages; a seed gives the same each time."""
    chance = random.Random(seed)
    for _ in range(chance.choice([1, 1, 2, 3])):
        text = _damaged(text, chance)
    return text


def mutated_json(data: Any, seed: int) -> bytes:
    """Return JSON with one to three damages, of its structure three times out of four."""
    chance = random.Random(seed)
    if chance.random() < 0.25:
        return mutated(json.dumps(data).encode(), seed)
    copy = json.loads(json.dumps(data))
    for _ in range(chance.choice([1, 1, 2, 3])):
        copy = _restructured(copy, chance)
    return json.dumps(copy).encode()


def _damaged(text: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(9)
    at = chance.randrange(len(text) + 1)
    lines = text.split(b"\n")
    line = chance.randrange(len(lines))
    if kind == 0:
        return text[:at]
    if kind == 1:
        return text[:at] + chance.choice(BYTES) + text[at:]
    if kind == 2:
        return text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]
    if kind == 3:
        return b"\n".join([*lines[:line], *lines[line + 1 :]])
    if kind == 4:
        return b"\n".join([*lines[: line + 1], *lines[line:]])
    if kind == 5:
        return b"\n".join([*lines[:line], b"  " * chance.randrange(9) + lines[line], *lines[line:]])
    if kind == 6:
        key, colon, _ = lines[line].partition(b": ")
        value = json.dumps(chance.choice(VALUES)).encode("utf-8", "replace")
        return b"\n".join([*lines[:line], key + colon + value, *lines[line + 1 :]])
    if kind == 7:
        depth = chance.choice([70, 500, 5000])
        return text[:at] + b"[" * depth + b"]" * depth + text[at:]
    return text[:at] + chance.choice([LONG_WORD, "9" * 5000, "a-" * 9000]).encode() + text[at:]


def _restructured(data: Any, chance: random.Random) -> Any:
    places = list(_places(data))
    if not places:
        return json.loads(json.dumps(chance.choice(VALUES)))
    holder, key = chance.choice(places)
    kind = chance.randrange(6)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[f"{key}x"] = holder.pop(key)
    elif kind == 2:
        other, other_key = chance.choice(places)
        holder[key] = json.loads(json.dumps(other[other_key]))
    elif kind == 3:
        nested: Any = "x"
        for _ in range(chance.choice([70, 300])):
            nested = [nested]
        holder[key] = nested
    else:
        # A copy: what is inserted is damaged further.
        holder[key] = json.loads(json.dumps(chance.choice(VALUES)))
    return data


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(data, dict):
        steps: Any = list(data)
    elif isinstance(data, list):
        steps = range(len(data))
    else:
        return
    for step in steps:
        yield data, step
        yield from _places(data[step])
