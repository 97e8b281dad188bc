"""A distribution adds a command by entry point, and one that is missing is said to be so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from floe_core.cli import floe_commands
from floe_core.cli.main import app
from floe_core.foundation.errors import PluginError

MODULE = """
import typer
def greet(name: str):
    '''Greet
    somebody.'''
    typer.echo(f"hello {name}")
group = typer.Typer()
@group.command()
def one(): typer.echo("one")
@group.command()
def two(): typer.echo("two")
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "greeting_of_a_test.py").write_text(MODULE)
    info = tmp_path / "greeting-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.2\n")
    lines = "greet = greeting_of_a_test:greet\nboth = greeting_of_a_test:group\ngone = no_such:f\n"
    (info / "entry_points.txt").write_text(f"[floe.commands]\n{lines}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "greeting_of_a_test", raising=False)
    floe_commands.added_commands.cache_clear()
    yield
    floe_commands.added_commands.cache_clear()


def floe(*words: str) -> str:
    return CliRunner().invoke(app, words, catch_exceptions=False).output


def test_a_function_and_an_app_become_commands() -> None:
    assert floe("greet", "you") == "hello you\n"
    assert floe("both", "two") == "two\n"


def test_one_that_does_not_load_is_named_with_its_distribution() -> None:
    with pytest.raises(PluginError, match=r"`floe gone` of greeting 1.2 does not load"):
        floe("gone")


def test_one_that_does_not_load_hides_no_other_from_help() -> None:
    shown = floe("--help")
    assert "Greet somebody." in shown
    assert "`floe gone` of greeting 1.2 does not load" in shown


def test_a_misspelt_command_is_a_usage_error() -> None:
    done = CliRunner().invoke(app, ["comple"])
    assert done.exit_code == 2
    assert "No such command" in done.output
