"""What a product of many models costs: compile, load, show and run, in time and memory, beside dbt.

    .venv/bin/python benchmarks/large_product.py 1000 10000 --on dagster --on airflow --on prefect
    .venv/bin/python benchmarks/large_product.py 10000 --on airflow --without-dbt

Each measure is a whole command, once: `dbt build`, and `floe run` on each orchestrator, each with a
project and a DuckDB file of its own, beside the commands that only read the product. Memory is the
highest sum over all processes of the command, pages that they share counted once. Beyond some
thousand models `dbt build` links tests and nodes for very long: `--without-dbt` leaves it out.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from generate_project import generate
from measuring import cpu_spent, run, table

BIN = Path(sys.executable).parent
PLAIN = "dbt build"
MARK = "FLOE_BENCHMARK"
LOOK_SECONDS = 1.0


def main() -> None:
    """Measure and print the table of each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="*", default=[1000, 10000])
    parser.add_argument("--on", action="append", help="an orchestrator; can be repeated")
    parser.add_argument("--without-dbt", action="store_true", help="measure floe alone")
    arguments = parser.parse_args()
    orchestrators = arguments.on or ["dagster"]
    for models in arguments.models:
        with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
            root = Path(temporary)
            commands = {} if arguments.without_dbt else _plain(root, models, orchestrators[0])
            commands |= _commands(root, models, orchestrators)
            rows = list(_measured(commands, models))
        print(f"{models} models")
        print(table(["", "wall s", "CPU s", "CPU ms a model", "MB", "CPU", "memory"], rows))


def _plain(root: Path, models: int, orchestrator: str) -> dict[str, list[str]]:
    """Return the build of plain dbt, on a project of its own."""
    plain = _made(root, "plain", models)
    # It writes the profiles.yml that plain dbt uses, too.
    run([str(BIN / "floe"), "compile", str(plain), "--on", orchestrator])
    paths = ["--project-dir", str(plain), "--profiles-dir", str(plain)]
    return {PLAIN: [str(BIN / "dbt"), "build", "--no-partial-parse", *paths]}


def _commands(root: Path, models: int, orchestrators: list[str]) -> dict[str, list[str]]:
    """Return floe's commands, on projects that are made in a folder."""
    folders = {name: _made(root, name, models) for name in orchestrators}
    first, floe = folders[orchestrators[0]], str(BIN / "floe")
    return {
        "floe compile": [floe, "compile", str(first), "--on", orchestrators[0]],
        "floe show": [floe, "show", str(first)],
        "floe plan --html": [floe, "plan", str(first), "--html", str(root / "page.html")],
        **{
            f"floe run on {name}": [floe, "run", str(folder), "--on", name]
            for name, folder in folders.items()
        },
    }


def _measured(commands: dict[str, list[str]], models: int) -> Iterator[list[str]]:
    """Yield a row for each command; the last two columns are ratios to `dbt build`."""
    base: tuple[float, float] | None = None
    for name, command in commands.items():
        wall, cpu, memory = _measure(command)
        base = (cpu, memory) if name == PLAIN else base
        yield [
            name,
            f"{wall:.1f}",
            f"{cpu:.1f}",
            f"{cpu / models * 1000:.2f}",
            f"{memory:.0f}",
            f"{cpu / base[0]:.2f}x" if base else "",
            f"{memory / base[1]:.2f}x" if base else "",
        ]


def _made(root: Path, name: str, models: int) -> Path:
    folder = root / name
    generate(folder, models)
    return folder


def _measure(command: list[str]) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and MB of a command with all that it starts."""
    mark = secrets.token_hex(8)
    with _peak_memory(f"{MARK}={mark}".encode()) as peak:
        began, spent = time.monotonic(), cpu_spent()
        run(command, **{MARK: mark})
        return time.monotonic() - began, cpu_spent() - spent, peak()


@contextmanager
def _peak_memory(mark: bytes) -> Iterator[Callable[[], float]]:
    """Watch the processes that have the mark in their environment; yield what returns the peak."""
    is_over = threading.Event()
    highest = 0.0

    def watch() -> None:
        nonlocal highest
        while not is_over.wait(LOOK_SECONDS):
            highest = max(highest, sum(map(_megabytes, _marked(mark))))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lambda: highest
    finally:
        is_over.set()
        thread.join()


def _marked(mark: bytes) -> Iterator[Path]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with suppress(OSError):
                if mark in (process / "environ").read_bytes():
                    yield process


def _megabytes(process: Path) -> float:
    """Return the memory of a process: its proportional set size."""
    with suppress(OSError):
        for line in (process / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
