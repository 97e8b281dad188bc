"""The process that `warm_floe` forks: it imports what a program does, and runs nothing itself.

dbt's own macros it parses as well, which is three quarters of the parse of a small project.
"""

from __future__ import annotations

import atexit
import gc
import marshal
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from dbt.clients.jinja_static import statically_extract_macro_calls
from dbt.include import duckdb, global_project
from dbt_common.clients.jinja import extract_toplevel_blocks, parse
from dbt_common.tests import enable_test_caching

OF_DBT = ["agate", "dbt.adapters.duckdb", "dbt.cli.main", "duckdb"]
OF_FLOE = [
    *OF_DBT,
    "dbt_floe",
    "floe_artifacts.write_run",
    "floe_ci",
    "floe_console",
    "floe_dev.command",
    "floe_diff.command",
    "floe_core.cli.main",
    "floe_core.compiler.compile_product",
    "floe_core.dbt.lighter_dbt",
    "floe_core.plugin_api.launched_run.launcher",
    "floe_core.lineage",
    "floe_core.reuse",
    "floe_migrate.command",
    "floe_parity",
    "floe_partitions.command",
    "openlineage.client",
    "pydantic",
    "rich.console",
    "sqlglot.dialects.duckdb",
    "sqlglot.lineage",
]
# What dbt looks for in files of macros.
BLOCKS = {"macro", "materialization", "test", "data_test"}


def parse_macros() -> None:
    """Let dbt parse its own macros, as it does for each project, and keep what it finds."""
    enable_test_caching()
    for package in (global_project, duckdb):
        for file in Path(package.PACKAGE_PATH).rglob("*.sql"):
            text = file.read_text("utf-8").strip()
            for block in extract_toplevel_blocks(text, BLOCKS, collect_raw_data=False):
                parse(block.full_block)
                statically_extract_macro_calls(block.full_block, {})


def take_call(client: socket.socket) -> None:
    """Become the process that does what a client calls floe for; its parent tells how it ended."""
    start, streams, _, _ = socket.recv_fds(client, 8, 3)
    size, call = int.from_bytes(start, "big"), b""
    while len(call) < size:
        call += client.recv(size - len(call))
    arguments, folder, mask, environment = marshal.loads(call)
    if child := os.fork():
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        client.sendall(str(code if code >= 0 else 128 - code).encode())
        os._exit(0)
    client.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.umask(mask)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    # Python writes errors line by line, whatever their letters.
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.argv = [sys.argv[2], *arguments]


def wait_for_call(address: str) -> None:
    """Return in a fork, once for each call. The process itself ends with the one that started it."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            readable, _, _ = select.select([server, sys.stdin], [], [])
            if sys.stdin in readable:
                os._exit(0)
            client, _ = server.accept()
            while reap():
                pass
            if not os.fork():
                break
            client.close()
    take_call(client)


def reap() -> bool:
    """Forget a child that has ended; return whether there was one."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] > 0
    except ChildProcessError:
        return False


def end(code: int) -> None:
    """End as Python does, but for the tidying up of its memory, which would copy all of it."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def program_called(name: str) -> Callable[[], object]:
    """Return what the program of that name runs."""
    if name == "dbt":
        from dbt.cli.main import cli

        return cli
    from floe_core.cli.main import main

    return main


if __name__ == "__main__":
    # As in the program: the folder of a script is not on its path.
    program = Path(sys.argv[2])
    sys.path[0] = str(program.parent)
    for module in OF_DBT if program.name == "dbt" else OF_FLOE:
        import_module(module)
    parse_macros()
    gc.collect()
    # Else each collection in a fork copies what it looks at.
    gc.freeze()
    wait_for_call(sys.argv[1])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run = program_called(program.name)
    try:
        run()
        end(0)
    except SystemExit as ended:
        end(int(ended.code or 0))
