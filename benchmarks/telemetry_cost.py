"""What lineage and spans cost a run, with backends that are well, away or silent, against none.

    .venv/bin/python benchmarks/telemetry_cost.py 100 1000 --json results.json

Each run is one build of the whole product in a fresh process with a core of its own, at the same
time as one that tells nothing, on the other core. Seconds are wall seconds, sending at the end
included; CPU is that of the run's process alone. A ratio is the median of those of the pairs.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import tempfile
from pathlib import Path
from statistics import median

from generate_project import generate
from lineage_recorder import recording
from measuring import Measure, compiled, in_pairs, table

# What one variant left waiting must not be sent by the next.
BUILD = """\
import json, resource, shutil, sys, time
from pathlib import Path
from floe_core.execution import BuildRequest, build
from floe_core.schemas import CompiledArtifacts
shutil.rmtree(Path(sys.argv[1], ".floe", "lineage"), ignore_errors=True)
artifacts = CompiledArtifacts.load(sys.argv[1])
began = time.monotonic()
*_, end = build(artifacts, BuildRequest("bench", str(time.time_ns())))
assert end.succeeded, end
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": time.monotonic() - began, "cpu": used.ru_utime + used.ru_stime}))
"""
LINEAGE, SPANS = "OPENLINEAGE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"
AWAY = "http://127.0.0.1:9"
Pairs = dict[str, list[tuple[Measure, Measure]]]
# What is told, and how the backend that it is told to is.
VARIANTS = ("lineage-well", "lineage-away", "lineage-silent", "spans-well", "spans-away")


def main() -> None:
    """Measure each size and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rounds, chosen = arguments.rounds, arguments.variants
    results = {models: measured(models, rounds, chosen) for models in arguments.models}
    for models, found in results.items():
        print(f"{models} models")
        print(table(["", "s", "ratio", "from", "cpu s", "ratio", "from"], rows(found)))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def measured(models: int, rounds: int, chosen: list[str]) -> Pairs:
    """Return variant -> its runs, each with the one beside it that told nothing."""
    with (
        tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary,
        recording() as well,
        socket.create_server(("127.0.0.1", 0), backlog=1000) as silent,
    ):
        folders = [Path(temporary) / name for name in ("telling", "quiet")]
        for folder in folders:
            generate(folder, models)
            compiled(folder, "dagster")
        telling, quiet = ([sys.executable, "-c", BUILD, str(folder)] for folder in folders)
        never = f"http://127.0.0.1:{silent.getsockname()[1]}"
        variables = {
            "lineage-well": f"{LINEAGE}={well.url}",
            "lineage-away": f"{LINEAGE}={AWAY}",
            "lineage-silent": f"{LINEAGE}={never}",
            "spans-well": f"{SPANS}={well.url}",
            "spans-away": f"{SPANS}={AWAY}",
        }
        commands = {name: ["env", variables[name], *telling] for name in chosen}
        return in_pairs(commands, quiet, rounds)


def rows(found: Pairs) -> list[list[str]]:
    """Return a row a variant, with its ratios to the runs that told nothing."""
    return [
        [name, *(text for key in ("seconds", "cpu") for text in _cells(pairs, key))]
        for name, pairs in found.items()
    ]


def _cells(pairs: list[tuple[Measure, Measure]], key: str) -> tuple[str, str, str]:
    ratios = sorted(one[key] / beside[key] for one, beside in pairs)
    seconds = median(one[key] for one, _ in pairs)
    return f"{seconds:.2f}", f"{median(ratios):.3f}", f"{ratios[0]:.2f} to {ratios[-1]:.2f}"


if __name__ == "__main__":
    main()
