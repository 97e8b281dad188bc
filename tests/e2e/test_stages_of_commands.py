"""Each command that takes a while says what it does: on a terminal, in a pipe, and not with --json."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

pytestmark = pytest.mark.timeout(600)
FLOE = Path(sys.executable).with_name("floe")
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
# Command -> what it takes beside the product, and a stage that it shows.
COMMANDS = {
    "compile": ([], "dbt parses the project"),
    "run": ([], "dbt parses the project"),
    "plan": ([], "dbt parses the project"),
    "show": ([], "dbt parses the project"),
    "explain": ([], "dbt parses the project"),
    "partitions": ([], "dbt parses the project"),
    "lineage show": ([], "reading the SQL that ran"),
    "lineage flush": ([], "sending the events that wait"),
    "doctor": ([], "asking the services"),
    "schedule list": ([], "asking dagster for its next ticks"),
    "schedule set": (["--cron", "0 7 * * *"], "changing the schedule on dagster"),
    "mesh": ([], "reading what the products have published"),
    "diff": (["."], "comparing the two compilations"),
    "ci": (["."], "comparing the two, column by column"),
    "parity": ([], "comparing the sides"),
    "migrate plan": (["--to", "airflow", "--no-parity"], "asking dagster and airflow"),
}
IN_PIPE = ("compile", "show", "lineage show", "mesh")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product that has run, so that each command has something to do."""
    folder = tmp_path_factory.mktemp("stages") / "shop"
    subprocess.run([FLOE, "init", folder], check=True, capture_output=True)
    spec = folder / "floe.yaml"
    if "\nschedule:" not in spec.read_text():
        spec.write_text(spec.read_text() + '\nschedule: {cron: "0 6 * * *", timezone: UTC}\n')
    subprocess.run([FLOE, "run", folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_a_terminal_shows_what_a_command_does(command: str, shop: Path) -> None:
    """And has its cursor again afterwards."""
    _, stage = COMMANDS[command]
    shown = on_terminal(words_of(command, changed(shop)), shop)
    assert stage in shown
    assert shown.rfind(SHOW) > shown.rfind(HIDE) >= 0


@pytest.mark.parametrize("command", IN_PIPE)
def test_a_pipe_has_a_line_for_each_stage(command: str, shop: Path) -> None:
    _, stage = COMMANDS[command]
    done = in_pipe(words_of(command, changed(shop)), shop)
    assert (done.stderr.splitlines().count(stage), stage in done.stdout) == (1, False)
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("command", IN_PIPE)
def test_nothing_is_said_beside_json(command: str, shop: Path) -> None:
    words = [*words_of(command, changed(shop)), "--json"]
    done = in_pipe(words, shop)
    assert (done.stderr, type(json.loads(done.stdout))) == ("", dict)
    assert on_terminal(words, shop) == ""


def changed(shop: Path) -> Path:
    """Return the product with a file that has changed since its last compile."""
    (shop / "models/first_model.sql").write_text(f"select 1 as id -- {uuid4()}\n")
    return shop


def words_of(command: str, shop: Path) -> list[str]:
    options, _ = COMMANDS[command]
    return [*command.split(), str(shop), *(str(shop) if word == "." else word for word in options)]


def in_pipe(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([FLOE, *words], cwd=folder, capture_output=True, text=True, check=False)


def on_terminal(words: list[str], folder: Path) -> str:
    """Return what a command writes to a terminal as its stderr."""
    ours, theirs = pty.openpty()
    variables = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    process = subprocess.Popen(
        [FLOE, *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=theirs, env=variables
    )
    os.close(theirs)
    found = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            # Linux reports the end of a pseudo-terminal as an error.
            break
        if not part:
            break
        found += part
    process.wait()
    os.close(ours)
    return found.decode()
