"""The commands floe and dbt with their imports behind them: a call is a fork of a process with them.

To import floe and dbt takes twice as long as what most commands do then. A call here is a process
of its own all the same, in a folder, an environment and with streams of its own; that of dbt has
nothing of floe imported. What is about how a program starts or is killed calls `.venv/bin/floe`.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

BINARIES = Path(sys.executable).parent

# Reads nothing but sockets and marshal, which Python has at hand. What Python itself reads when it
# starts can't be given to a fork: the real program is called then.
CLIENT = """\
#!{python} -IS
import marshal, os, socket, sys

def of_python(environment):
    return {{k: v for k, v in environment.items() if k.startswith("PYTHON")}}

if of_python(os.environ) != {python_variables!r}:
    os.execv({program!r}, [{program!r}, *sys.argv[1:]])
call = marshal.dumps((sys.argv[1:], os.getcwd(), os.umask(0o022), dict(os.environ)))
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
socket.send_fds(server, [len(call).to_bytes(8, "big")], [0, 1, 2])
server.sendall(call)
os._exit(int(server.recv(8) or b"70"))
"""


def floe(
    *arguments: str | Path, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Call floe without a terminal."""
    return _call("floe", arguments, cwd, {"COLUMNS": "120", **environment})


def dbt(
    *arguments: str | Path, cwd: Path, check: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Call dbt itself, which knows nothing of floe but the plugin that it finds by its name.

    Raises:
        AssertionError: It ended with another code than 0, and `check` is set; with what it printed.
    """
    done = _call("dbt", arguments, cwd, {"DBT_SEND_ANONYMOUS_USAGE_STATS": "False", **environment})
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def _call(
    name: str, arguments: Iterable[str | Path], cwd: Path | None, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_folder_of(name) / name, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )


def folder_of_floe() -> Path:
    """Return a folder with a program `floe`, for `PATH`; it works while this process lives."""
    return _folder_of("floe")


@cache
def _folder_of(name: str) -> Path:
    folder = tempfile.TemporaryDirectory(prefix=f"{name}-warm-")
    address = Path(folder.name) / "socket"
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("warm_floe_server.py"), address, BINARIES / name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(folder.cleanup)
    # It ends by itself where this process is killed.
    atexit.register(server.wait)
    atexit.register(server.kill)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    program = Path(folder.name) / name
    python = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
    program.write_text(
        CLIENT.format(
            python=sys.executable,
            python_variables=python,
            program=str(BINARIES / name),
            address=str(address),
        )
    )
    program.chmod(0o755)
    return Path(folder.name)
