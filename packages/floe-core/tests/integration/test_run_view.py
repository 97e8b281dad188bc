"""What the terminal shows of a run, beside its nodes."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from reusing_product import FLOE
from rich.console import Console

from floe_core.cli.run_view import RunView
from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build
from floe_core.runs.build_events import NodeLog, NodeResult, from_line, to_line
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


def test_what_macros_and_hooks_say_and_why_a_test_warns_is_shown(
    write_product: WriteProduct,
) -> None:
    says = "{% if execute %}{{ log('from a model', info=true) }}{{ print('printed') }}{% endif %}"
    folder = write_product(floe=FLOE, first=f"{says} select 1 as id")
    (folder / "models" / "schema.yml").write_text(
        "models: [{name: first, columns: [{name: id, data_tests: "
        "[{accepted_values: {arguments: {values: [2]}, config: {severity: warn}}}]}]}]\n"
    )
    project = (folder / "dbt_project.yml").read_text()
    start = "on-run-start: \"{{ log('from a hook', info=true) }}\"\n"
    (folder / "dbt_project.yml").write_text(project + start)
    compile_product(folder)
    lines = shown(folder, "1")
    assert [lines.count(each) for each in ("from a hook", "from a model", "printed")] == [1, 1, 1]
    assert "          Got 1 result, configured to warn if != 0" in lines


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


def test_a_large_run_on_a_terminal_shows_lines_of_what_is_not_green_and_counts(
    write_product: WriteProduct,
) -> None:
    compile_product(folder := write_product())
    terminal = Console(file=StringIO(), width=200, force_terminal=True, color_system=None)
    with RunView(CompiledArtifacts.load(folder), terminal, 100) as view:
        for number in range(60):
            view.receive(NodeResult(f"model.shop.m{number}", "success", 0.1))
        view.receive(NodeResult("model.shop.bad", "error", 0.1, "it is wrong"))
        assert view.progress().startswith("61 of 100, [red]1 failed[/], about 0:")
    assert isinstance(terminal.file, StringIO)
    text = terminal.file.getvalue()
    shown = [each in text for each in ("model.shop.m7", "model.shop.bad", "it is wrong")]
    assert shown == [False, True, True]


def test_a_large_run_without_a_terminal_shows_each_node(write_product: WriteProduct) -> None:
    compile_product(folder := write_product())
    pipe = Console(file=StringIO(), width=200)
    view = RunView(CompiledArtifacts.load(folder), pipe, 100)
    view.receive(NodeResult("model.shop.m1", "success", 0.1))
    assert isinstance(pipe.file, StringIO)
    assert pipe.file.getvalue() == "    1/100  ok       model     model.shop.m1  0.10 s\n"
