"""The options that all commands share act on their own command, and on nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
import typer

from floe_core.cli.console import StagesOnStderr
from floe_core.cli.options import Env, Json
from floe_core.foundation.stages import begin_stage, stages_shown_by
from floe_core.storage.environment_choice import chosen_environment


def call(words: Sequence[str]) -> str:
    """Call a command with these words; return the environment that it saw."""
    app = typer.Typer()
    seen: list[str] = []

    @app.command()
    def look(name: str = "", env: Env = None, as_json: Json = False) -> None:
        begin_stage("looking")
        seen.append(chosen_environment())

    with stages_shown_by(StagesOnStderr()):
        app(words, standalone_mode=False)
    return seen[0]


def test_an_environment_is_that_of_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOE_ENV", raising=False)
    assert [call(["--env", "prod"]), call([])] == ["prod", ""]
    assert "FLOE_ENV" not in os.environ


def test_no_environment_is_chosen_over_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_ENV", "prod")
    assert [call(["--env", ""]), call([])] == ["", "prod"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [([], "looking\n"), (["--json"], ""), (["--name", "--json"], "looking\n")],
)
def test_stages_are_hidden_by_the_option_and_not_by_the_word(
    words: list[str], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.argv", ["floe", *(word for word in words if "--name" in words)])
        call(words)
    assert capsys.readouterr().err == shown


def test_stages_are_shown_again_after_a_command_with_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call(["--json"])
    with stages_shown_by(StagesOnStderr()):
        begin_stage("looking")
    assert capsys.readouterr().err == "looking\n"
