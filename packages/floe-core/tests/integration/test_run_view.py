"""What the terminal shows of a run, beside its nodes."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from reusing_product import FLOE
from rich.console import Console

from floe_core.build_events import NodeLog, from_line, to_line
from floe_core.cli.run_view import RunView
from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]


def shown(folder: Path, run_id: str) -> list[str]:
    """Run a product, and return the lines that the terminal shows, read from the journal's."""
    artifacts = CompiledArtifacts.load(folder)
    console = Console(file=StringIO(), width=200)
    view = RunView(artifacts, console, len(artifacts.runnable))
    # As dbt warns before its first node, if it has to parse.
    view.receive(NodeLog("", "warn", "[WARNING]: Deprecated functionality"))
    for event in build(artifacts, BuildRequest("shop", run_id)):
        view.receive(from_line(to_line(event)))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("damage", ["{", '{"format": 99}'])
def test_why_nothing_is_reused_is_shown_and_dbts_warnings_of_its_parse_are_not(
    damage: str, write_product: WriteProduct
) -> None:
    folder = write_product(floe=FLOE)
    compile_product(folder)
    assert [line.split()[1:4] for line in shown(folder, "1")] == [["ok", "model", "first"]]
    state = folder / ".floe" / "reuse.json"
    state.write_text(damage)
    [why, node] = shown(folder, "2")
    assert why.startswith(f"reuse: {state}: ")
    assert why.endswith("so everything is built")
    assert node.split()[1:4] == ["ok", "model", "first"]
