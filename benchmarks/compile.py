"""How long `floe compile` takes beside `dbt parse`, in fresh processes, in turns.

    UV_PROJECT_ENVIRONMENT=.venv-bench uv sync --frozen --group bench
    .venv-bench/bin/python benchmarks/compile.py 100 1000 --json results.json

Both parse the whole project, without dbt's partial parsing. Seconds are wall seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from generate_project import generate
from measuring import compiled, in_turns, table

TIMED = """\
import json, subprocess, sys, time
began = time.monotonic()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(json.dumps({"seconds": time.monotonic() - began}))
"""


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = [compare(models, arguments.rounds) for models in arguments.models]
    rows = [
        [str(r["models"]), f"{r['floe compile']:.2f}", f"{r['dbt parse']:.2f}", f"{r['ratio']:.2f}"]
        for r in results
    ]
    print(table(["models", "floe compile s", "dbt parse s", "ratio"], rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def compare(models: int, rounds: int) -> dict[str, float]:
    """Return the medians of both for one size, and their ratio."""
    binaries = Path(sys.executable).parent
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        folder = Path(temporary) / "bench"
        generate(folder, models)
        compiled(folder, "dagster")
        flags = ["--no-partial-parse", "--project-dir", folder, "--profiles-dir", folder]
        paths = ["--target-path", f"{temporary}/target", "--log-path", f"{temporary}/logs"]
        calls = {
            "floe compile": [binaries / "floe", "compile", folder],
            "dbt parse": [binaries / "dbt", "--quiet", "parse", *flags, *paths],
        }
        medians = in_turns(
            {name: [sys.executable, "-c", TIMED, *map(str, c)] for name, c in calls.items()}, rounds
        )
    seconds = {name: found["seconds"] for name, found in medians.items()}
    return {"models": models, **seconds, "ratio": seconds["floe compile"] / seconds["dbt parse"]}


if __name__ == "__main__":
    main()
