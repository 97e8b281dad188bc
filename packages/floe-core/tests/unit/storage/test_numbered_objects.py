"""Changes of one text at a URL: none is lost, and what is old goes."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from floe_core.storage import objects
from floe_core.storage.objects import KEPT_VERSIONS, NumberedObjects, Objects


@pytest.fixture
def url() -> str:
    return f"memory://{uuid.uuid4().hex}"


def add(url: str, word: str) -> None:
    NumberedObjects(url).change(lambda text: (text or b"") + word.encode())


def test_a_writer_that_is_held_up_while_others_write_loses_nothing(url: str) -> None:
    add(url, "a")
    calls = 0

    def changed(text: bytes | None) -> bytes:
        nonlocal calls
        calls += 1
        if calls == 1:
            for word in "bcdefghijkl":
                add(url, word)
        return (text or b"") + b"Z"

    NumberedObjects(url).change(changed)
    assert NumberedObjects(url).read() == b"abcdefghijklZ"
    assert calls > 1


def test_what_is_old_and_not_among_the_last_goes(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "KEPT_FOR", timedelta(0))
    for word in "abcdefghijkl":
        add(url, word)
    assert len(Objects(url).list_names()) == KEPT_VERSIONS
    assert NumberedObjects(url).read() == b"abcdefghijkl"
