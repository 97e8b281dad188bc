"""What real shells complete: names in the product, and files where a file is meant."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)
BIN = Path(sys.executable).parent
PATIENCE = 60.0
BASH = """\
write_line() { printf '%s\\n' "$READLINE_LINE" > line; }
bind -x '"\\C-x\\C-w": write_line'
"""
ZSH = """\
write_line() { print -r -- "$BUFFER" > line; }
zle -N write_line
bindkey '^X^W' write_line
bindkey '^U' kill-whole-line
"""
# For each shell, the file that it reads first, and how it tells what its line is.
SHELLS = {
    "bash": (".bashrc", BASH),
    "zsh": (".zshrc", ZSH),
}
# What is typed before the key -> what the shell makes of it.
TYPED = {
    "floe run shop --select first_m": "floe run shop --select first_model ",
    "floe run shop --select +sec": "floe run shop --select +second_model ",
    "floe run shop --job ni": "floe run shop --job nightly ",
    "floe plan shop --job ni": "floe plan shop --job nightly ",
    "floe plan shop --select sec": "floe plan shop --select second_model ",
    "floe ticks shop --job ni": "floe ticks shop --job nightly ",
    "floe schedule pause shop --job ni": "floe schedule pause shop --job nightly ",
    "floe migrate plan shop --to airflow --job ni": "floe migrate plan shop --to airflow --job nightly ",
    "floe partitions shop --select sec": "floe partitions shop --select second_model ",
    "floe run shop --on daug": "floe run shop --on daug",
    "floe run shop --on dag": "floe run shop --on dagster ",
    "floe parity shop --on pref": "floe parity shop --on prefect ",
    "floe dev shop --env stag": "floe dev shop --env staging ",
    "floe run sho": "floe run shop/",
    "floe sched": "floe schedule ",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a compiled product, `shop`, and of another that is not compiled."""
    folder = tmp_path_factory.mktemp("shells")
    for name in ("shop", "raw"):
        subprocess.run([BIN / "floe", "init", folder / name], check=True, capture_output=True)
    shop = folder / "shop"
    (shop / "models/second_model.sql").write_text("select * from {{ ref('first_model') }}\n")
    with (shop / "floe.yaml").open("a") as spec:
        spec.write("\njobs: [{name: nightly, select: first_model}]\n")
    with (shop / "manifest.yaml").open("a") as manifest:
        manifest.write("\nenvironments: {staging: {}}\n")
    subprocess.run([BIN / "floe", "compile", shop], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_completes_names(name: str, place: Path) -> None:
    assert shell(name, place, TYPED) == TYPED


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_shows_no_error(name: str, place: Path) -> None:
    """Of a product that is not compiled, damaged or missing."""
    (place / "raw/compiled_artifacts.json").write_text("{damaged")
    typed = ["floe run raw --select fi", "floe run raw --job ni", "floe run gone --select fi"]
    assert shell(name, place, typed) == {each: each for each in typed}


@pytest.mark.parametrize("words", ["floe run shop --select ", "floe run shop --on ", "floe "])
def test_an_answer_takes_less_than_a_third_of_a_second(words: str, place: Path) -> None:
    """Of CPU time: the machine may be busy. The least of some, since caches may be cold."""
    variables = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split())),
        "_FLOE_COMPLETE": "complete_bash",
    }
    taken = []
    for _ in range(3):
        before = seconds_of_children()
        done = floe(variables, place)
        taken.append(seconds_of_children() - before)
        assert (done.stdout != "", done.stderr) == (True, "")
    assert min(taken) < 0.3


def seconds_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def shell(name: str, folder: Path, lines: Iterable[str]) -> dict[str, str]:
    """Type each line and the key that completes; return it -> the line that the shell then has."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    file, setup = SHELLS[name]
    home = folder / f"home-of-{name}"
    home.mkdir(exist_ok=True)
    variables = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "TERM": "dumb",
        "HOME": str(home),
        "COLUMNS": "300",
    }
    # As a user does: in the shell that then has it after a restart.
    install = [program, "-c", "floe --install-completion; true"]
    subprocess.run(install, env=variables, check=True, capture_output=True)
    with (home / file).open("a") as rc:
        rc.write(setup)
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execve(program, [program, "-i"], variables)
    try:
        typing = _Typing(terminal, folder / "line")
        typing.await_prompt()
        # In zsh, the first key only loads typer's script, and completes nothing.
        typing.complete("floe ")
        found = {line: typing.complete(line) for line in lines}
        assert not re.search("Traceback|Error|command not found", typing.shown), typing.shown
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)
    return found


def floe(variables: dict[str, str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    whole = {**os.environ, **variables}
    return subprocess.run(
        [BIN / "floe"], cwd=folder, env=whole, capture_output=True, text=True, check=False
    )


class _Typing:
    """A person at a terminal, whose shell writes its line to a file at ^X^W."""

    def __init__(self, terminal: int, file: Path) -> None:
        self._terminal = terminal
        self._file = file
        self.shown = ""

    def await_prompt(self) -> None:
        """Wait until the shell writes its empty line."""
        time.sleep(2)
        assert self._written() == ""

    def complete(self, line: str) -> str:
        """Return the line after a tab, and leave an empty one for the next."""
        os.write(self._terminal, f"{line}\t".encode())
        found = self._written()
        os.write(self._terminal, b"\x15")
        return found

    def _written(self) -> str:
        self._file.unlink(missing_ok=True)
        os.write(self._terminal, b"\x18\x17")
        deadline = time.monotonic() + PATIENCE
        while not self._file.exists() or not self._file.read_text().endswith("\n"):
            assert time.monotonic() < deadline, self.shown
            if select.select([self._terminal], [], [], 0.05)[0]:
                self.shown += os.read(self._terminal, 65536).decode(errors="replace")
        return self._file.read_text()[:-1]
