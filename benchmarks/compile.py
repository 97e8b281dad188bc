"""How long `floe compile` takes beside `dbt parse`, in fresh processes, in turns.

    UV_PROJECT_ENVIRONMENT=.venv-bench uv sync --frozen --group bench
    .venv-bench/bin/python benchmarks/compile.py 100 1000 --json results.json

Both parse the whole project at first, and then only a model that has changed. `--dbt PATH` compiles
the same product with another dbt as well, such as dbt 2. Seconds are wall seconds; CPU seconds are
of all processes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from generate_project import generate
from measuring import compiled, in_turns, table

OTHER = "floe compile, other dbt"
CHANGED = "one model changed"
# Its first word is a file to remove, or a model to change, "" for neither.
TIMED = """\
import json, pathlib, resource, subprocess, sys, time
touched = pathlib.Path(sys.argv[1])
if touched.suffix == ".sql":
    touched.write_text(f"{touched.read_text()}\\n-- {time.time()}")
elif sys.argv[1]:
    touched.unlink(missing_ok=True)
began = time.monotonic()
subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = used.ru_utime + used.ru_stime
print(json.dumps({"seconds": time.monotonic() - began, "cpu": cpu}))
"""


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dbt", type=Path, help="another dbt to compile with")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = [compare(models, arguments.rounds, arguments.dbt) for models in arguments.models]
    for unit in ("seconds", "cpu"):
        names = list(results[0][unit])
        rows = [
            [str(r["models"]), *(f"{r[unit][n]:.2f}" for n in names), *_ratios(r[unit])]
            for r in results
        ]
        print(table(["models", *(f"{n} {unit}" for n in names), *_ratio_names(names)], rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def compare(models: int, rounds: int, other: Path | None) -> dict[str, Any]:
    """Return the medians of each for one size, as unit -> name -> number."""
    binaries = Path(sys.executable).parent
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        folder = Path(temporary) / "bench"
        generate(folder, models)
        compiled(folder, "dagster")
        model = min(folder.glob("models/**/*.sql"))
        compile_, dbt = (
            [binaries / "floe", "compile", folder],
            [binaries / "dbt", "--quiet", "parse"],
        )
        dbt += [
            "--project-dir",
            folder,
            "--profiles-dir",
            folder,
            "--log-path",
            f"{temporary}/logs",
        ]
        whole, partial = Path(temporary, "whole"), Path(temporary, "partial")
        subprocess.run([*dbt, "--target-path", partial], check=True)
        calls = {
            "floe compile": [folder / ".floe" / "parses.msgpack", *compile_],
            "dbt parse": ["", *dbt, "--no-partial-parse", "--target-path", whole],
            f"floe compile, {CHANGED}": [model, *compile_],
            f"dbt parse, {CHANGED}": [model, *dbt, "--target-path", partial],
        }
        if other is not None:
            own = Path(temporary) / "other"
            generate(own, models)
            with (own / "floe.yaml").open("a") as spec:
                spec.write(f"execution: {{dbtExecutable: {other.absolute()}}}\n")
            calls[OTHER] = ["", binaries / "floe", "compile", own]
        medians = in_turns(
            {name: [sys.executable, "-c", TIMED, *map(str, c)] for name, c in calls.items()}, rounds
        )
    units = {
        unit: {name: found[unit] for name, found in medians.items()} for unit in ("seconds", "cpu")
    }
    return {"models": models, **units}


def _ratio_names(names: list[str]) -> list[str]:
    return ["ratio", f"ratio, {CHANGED}", *(["ratio of dbts"] if OTHER in names else [])]


def _ratios(found: dict[str, float]) -> list[str]:
    ratios = [
        found[f"floe compile{which}"] / found[f"dbt parse{which}"] for which in ("", f", {CHANGED}")
    ]
    if OTHER in found:
        ratios.append(found[OTHER] / found["floe compile"])
    return [f"{ratio:.2f}" for ratio in ratios]


if __name__ == "__main__":
    main()
