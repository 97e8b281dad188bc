"""Measure commands as whole processes, in turns, and say the medians and ratios."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import TypeVar

QUIET = {
    "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
    "DO_NOT_TRACK": "True",
}
COMPILE = (
    "import sys; from floe_core.compiler import compile_product; "
    "compile_product(sys.argv[1], orchestrator=sys.argv[2])"
)
Measure = dict[str, float]
Found = TypeVar("Found")


def run(command: list[str], **environment: str) -> str:
    """Return what a command prints; a command that fails ends the benchmark."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **QUIET, "PATH": path, **environment},
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:2])} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def compiled(folder: Path, orchestrator: str) -> None:
    """Compile the product of a folder in place."""
    run([sys.executable, "-c", COMPILE, str(folder), orchestrator])


def in_turns(
    commands: Mapping[str, list[str]], rounds: int, **environment: str
) -> dict[str, Measure]:
    """Return name -> medians of what each command prints as JSON, run in turns.

    The first round warms the disk and Python's byte code, and does not count.
    """

    def printed(command: list[str]) -> Measure:
        return json.loads(run(command, **environment).strip().splitlines()[-1])

    return {name: medians(found) for name, found in _in_turns(commands, rounds, printed).items()}


def timed_in_turns(
    commands: Mapping[str, list[str]],
    rounds: int,
    before: Mapping[str, list[str]] | None = None,
    **environment: str,
) -> dict[str, list[Measure]]:
    """Return name -> `wall` and `cpu` seconds of each command, a measure a round that counts.

    The first round does not count, as in `in_turns`. `before` is name -> a command that runs before
    each time that one is measured, and is not.
    """
    preparing = {id(commands[name]): command for name, command in (before or {}).items()}

    def timed(command: list[str]) -> Measure:
        if id(command) in preparing:
            run(preparing[id(command)], **environment)
        started, spent = time.monotonic(), cpu_spent()
        run(command, **environment)
        return {"wall": time.monotonic() - started, "cpu": cpu_spent() - spent}

    return _in_turns(commands, rounds, timed)


def _in_turns(
    commands: Mapping[str, list[str]], rounds: int, measure: Callable[[list[str]], Measure]
) -> dict[str, list[Measure]]:
    """Measure each command once a round, every round beginning with another one."""
    measures: dict[str, list[Measure]] = {name: [] for name in commands}
    order = deque(commands)
    for _ in range(rounds + 1):
        for name in order:
            measures[name].append(measure(commands[name]))
        order.rotate(-1)
    return {name: found[1:] for name, found in measures.items()}


def cpu_spent() -> float:
    """Return the CPU seconds of the processes that this one started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def medians(measures: list[Measure]) -> Measure:
    """Return the median of each figure."""
    return {name: round(median(m[name] for m in measures), 3) for name in measures[0]}


def measure_sizes(
    doc: str,
    sizes: list[int],
    compare: Callable[[int, int], Found],
    shown: Callable[[dict[int, Found]], str],
) -> None:
    """Compare at the sizes of the command line, print the table, and write the file of --json.

    `compare` is given the number of models and of rounds.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("models", type=int, nargs="*", default=sizes)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = {models: compare(models, arguments.rounds) for models in arguments.models}
    print(shown(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return rows of text in columns, set right."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in [head, *rows])
