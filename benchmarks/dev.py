"""How long a change takes with `floe dev` up: from the save to the end of its run, beside dbt.

    .venv/bin/python benchmarks/dev.py 12 --on dagster --on prefect --on airflow --rounds 3
    .venv/bin/python benchmarks/dev.py 1000 --select m_00200 --on dagster

In each round one model is changed, and then plain `dbt build` and `floe run` build the product, or
the selection, each in a project and a DuckDB file of its own. dbt parses partially, as it does for
whoever types it. `floe dev` has processes ready before each run; their start is not measured, since
a developer reads and writes meanwhile. Much of the work is done in those processes, so wall seconds
are compared, which need an idle machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from generate_project import generate
from measuring import QUIET, compiled, run, table

BIN = Path(sys.executable).parent
PLAIN = "dbt build"
READY = "pages, with the product"
# What `floe run` prints if it ran in the orchestrator that is up.
USED = "the run in "
# What `floe dev` does in the background after a run.
REST_SECONDS = 15.0


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="?", default=12)
    parser.add_argument("--on", action="append", help="an orchestrator; can be repeated")
    parser.add_argument("--select", default="", help="build only this")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary, ExitStack() as stack:
        root = Path(temporary)
        plain = made(root, "plain", arguments.models)
        chosen = ["--select", arguments.select] if arguments.select else []
        commands = {
            PLAIN: (plain, [str(BIN / "dbt"), "build", "--project-dir", str(plain), *chosen])
        }
        commands[PLAIN][1].extend(["--profiles-dir", str(plain)])
        for name in arguments.on or ["dagster"]:
            folder = made(root, name, arguments.models)
            stack.enter_context(served(folder, name))
            commands[name] = (folder, [str(BIN / "floe"), "run", str(folder), *chosen])
        if arguments.select:
            # What the selection reads has to be there.
            for _, command in commands.values():
                run([each for each in command if each not in chosen])
        found: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(arguments.rounds + 1):
            for name, (folder, command) in commands.items():
                time.sleep(REST_SECONDS if name != PLAIN else 0)
                found[name].append(seconds_of(folder, command, number))
    print(f"{arguments.models} models, {arguments.rounds} rounds")
    print(table(["", "wall s", f"of {PLAIN}"], rows(found)))


def rows(found: dict[str, list[float]]) -> list[list[str]]:
    """Return the medians and ratios; the first round does not count."""
    plain = found[PLAIN][1:]
    return [
        [
            name,
            f"{median(walls[1:]):.1f}",
            f"{median(own / other for own, other in zip(walls[1:], plain, strict=True)):.2f}",
        ]
        for name, walls in found.items()
    ]


def made(root: Path, name: str, models: int) -> Path:
    """Return a new product of that many models, with a profile for plain dbt."""
    folder = root / name
    generate(folder, models)
    compiled(folder, "dagster")
    return folder


def seconds_of(folder: Path, command: list[str], number: int) -> float:
    """Change a model, run a command, and return how long that took."""
    model = sorted((folder / "models").rglob("*.sql"))[-1]
    model.write_text(f"{model.read_text()}\n-- {number}")
    began = time.monotonic()
    said = run(command)
    seconds = time.monotonic() - began
    if "floe" in Path(command[0]).name and USED not in said:
        raise SystemExit(f"`floe run` did not use `floe dev`:\n{said}")
    return seconds


@contextmanager
def served(folder: Path, name: str) -> Iterator[None]:
    """Have a `floe dev` of a product up during the block."""
    log = folder.parent / f"{name}.log"
    with log.open("w") as output:
        # A `floe run` with other variables DBT_* would not use it.
        dev = subprocess.Popen(
            [BIN / "floe", "dev", folder, "--on", name], stderr=output, env={**os.environ, **QUIET}
        )
        try:
            while READY not in log.read_text():
                if dev.poll() is not None:
                    raise SystemExit(log.read_text())
                time.sleep(0.3)
            yield
        finally:
            dev.terminate()
            dev.wait()


if __name__ == "__main__":
    main()
