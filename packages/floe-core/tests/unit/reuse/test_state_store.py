"""The state survives whatever happens to it, or is no state."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from small_artifacts import small_product

from floe_core.reuse.state import FORMAT, ActiveBuild, Entry, RelationFacts, State, Versions
from floe_core.reuse.state_store import StateStore, store_of
from floe_core.storage.files import to_hashed_text
from floe_core.storage.shared_text import FileText, ObjectsText

ENTRY = Entry(
    "run 1",
    {"code": "c1"},
    {"model.shop.a": {"id": "v1"}},
    Versions("r1", {"id": "i1"}),
    RelationFacts("e1", ("id",)),
    1.5,
)
STATE = State("shop", {"model.shop.b": ENTRY}, {"t": ActiveBuild("here", 1, 2.0, ("x",), ("y",))})
MakeStore = Callable[[], StateStore]


@pytest.fixture(params=["file", "memory"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Return a function that opens the same store again and again."""
    url = f"memory://{uuid.uuid4().hex}"
    if request.param == "file":
        return lambda: StateStore(FileText(tmp_path / "reuse.json"))
    return lambda: StateStore(ObjectsText(url))


def test_what_is_written_is_read(make_store: MakeStore) -> None:
    assert make_store().read() == State()
    make_store().change(lambda _: STATE)
    assert make_store().read() == STATE


def test_no_change_of_several_writers_is_lost(
    make_store: MakeStore, request: pytest.FixtureRequest
) -> None:
    def write(number: int) -> None:
        make_store().change(lambda state: state.with_entries({f"model.shop.m{number}": ENTRY}))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if request.node.callspec.id == "file":  # fsspec's memory looks first, then writes
        assert len(make_store().read().entries) == 8


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "null",
        lambda text: text.replace("i1", "i2"),
        lambda text: text.replace(f'"format": {FORMAT}', '"format": 99'),
        lambda text: text.partition("\n")[0],
        lambda text: to_hashed_text(FORMAT, {"other": 1}),
        lambda text: to_hashed_text(FORMAT, [1]),
    ],
)
def test_a_damaged_state_is_none_and_says_so(damage: Callable[[str], str], tmp_path: Path) -> None:
    path = tmp_path / "reuse.json"
    StateStore(FileText(path)).change(lambda _: STATE)
    path.write_text(damage(path.read_text()))
    store = StateStore(FileText(path))
    assert store.read() == State()
    assert "everything is built" in store.problem
    store.change(lambda state: state.with_entries({"model.shop.b": ENTRY}))
    assert StateStore(FileText(path)).read().entries == {"model.shop.b": ENTRY}


def test_a_store_that_was_read_before_sees_what_others_wrote(make_store: MakeStore) -> None:
    store, other = make_store(), make_store()
    store.change(lambda _: STATE)
    assert store.read() == STATE
    other.change(lambda state: state.with_entries({"model.shop.c": ENTRY}))
    assert {*store.read().entries} == {"model.shop.b", "model.shop.c"}
    store.change(lambda state: state.with_entries({"model.shop.d": ENTRY}))
    assert {*other.read().entries} == {"model.shop.b", "model.shop.c", "model.shop.d"}


def test_a_state_of_something_else_is_empty() -> None:
    assert STATE.of_subject("another") == State("another")
    assert STATE.of_subject("shop") is STATE


def test_a_build_forgets_what_it_builds_before_it_begins() -> None:
    build = ActiveBuild("here", 1, 2.0, ("model.shop.b",))
    assert State("shop", {"model.shop.b": ENTRY}).with_build("t", build).entries == {}


def test_builds_at_once_know_what_the_others_build() -> None:
    one = ActiveBuild("here", 1, 2.0, ("model.shop.a",))
    two = ActiveBuild("here", 2, 2.0, ("model.shop.b",))
    active = State("shop").with_build("one", one).with_build("two", two).active
    assert active["one"].touched == ("model.shop.b",)
    assert active["two"].touched == ("model.shop.a",)


def test_the_environment_names_a_folder_or_a_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shared").mkdir()
    monkeypatch.setenv("FLOE_REUSE_STORE", str(tmp_path / "shared"))
    shop = small_product().bound_to(tmp_path)
    store_of(shop).change(lambda _: STATE)
    assert (tmp_path / "shared" / "shop.reuse.json").exists()
    # Each environment has its own tables.
    assert store_of(shop.model_copy(update={"environment": "prod"})).read() == State()
    monkeypatch.setenv("FLOE_REUSE_STORE", "memory://states/")
    store_of(shop).change(lambda _: STATE)
    assert StateStore(ObjectsText("memory://states/shop.reuse")).read() == STATE
    assert store_of(small_product(name="other").bound_to(tmp_path)).read() == State()
