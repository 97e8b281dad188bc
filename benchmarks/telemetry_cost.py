"""What lineage and spans cost a run, with backends that are well, away or silent, against none.

    .venv/bin/python benchmarks/telemetry_cost.py 100 1000 --json results.json

Each run is one build of the whole product in a fresh process, the variants in turns. Seconds are
wall seconds, sending at the end included; CPU is that of the run's process alone. A machine whose
runs differ by more than telling costs hides it, so that is measured by itself as well: the CPU
seconds of telling while dbt runs, which Python has to itself then, with the wall seconds before and
after that, sending at the end included; and the run to what it would take without all these.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import tempfile
from pathlib import Path

from generate_project import generate
from lineage_recorder import recording
from measuring import compiled, in_turns, table

# What one variant left waiting must not be sent by the next.
BUILD = """\
import json, resource, shutil, sys, time
from pathlib import Path
from floe_core.execution import BuildRequest, build
from floe_core.execution.reports.build_reports import BuildReports
from floe_core.lineage.run_recorder import RunLineage
from floe_core.schemas import CompiledArtifacts
from floe_core.tracing.spans import BuildTrace
telling = []
def timed(method, clock):
    def call(*arguments):
        began = clock()
        try:
            return method(*arguments)
        finally:
            telling.append(clock() - began)
    return call
for owner, name in (
    (BuildTrace, "__init__"),
    (RunLineage, "__init__"),
    (BuildReports, "__enter__"),
    (BuildReports, "__exit__"),
):
    setattr(owner, name, timed(getattr(owner, name), time.monotonic))
for owner, name in ((BuildTrace, "receive"), (BuildReports, "_record_lineage")):
    setattr(owner, name, timed(getattr(owner, name), time.thread_time))
shutil.rmtree(Path(sys.argv[1], ".floe", "lineage"), ignore_errors=True)
artifacts = CompiledArtifacts.load(sys.argv[1])
began = time.monotonic()
*_, end = build(artifacts, BuildRequest("bench", str(time.time_ns())))
assert end.succeeded, end
seconds, used = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "seconds": seconds,
    "cpu": used.ru_utime + used.ru_stime,
    "telling": sum(telling),
    "told_ratio": seconds / (seconds - sum(telling)),
}))
"""
LINEAGE, SPANS = "OPENLINEAGE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"
AWAY = "http://127.0.0.1:9"
OFF = "neither"
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
    rounds, chosen = arguments.rounds, [OFF, *arguments.variants]
    results = {models: measured(models, rounds, chosen) for models in arguments.models}
    for models, found in results.items():
        print(f"{models} models")
        print(table(["", "s", "ratio", "cpu s", "ratio", "telling s", "ratio"], rows(found)))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def measured(models: int, rounds: int, chosen: list[str]) -> dict[str, dict[str, float]]:
    """Return variant -> the medians of its runs, for those that are chosen."""
    with (
        tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary,
        recording() as well,
        socket.create_server(("127.0.0.1", 0), backlog=1000) as silent,
    ):
        folder = Path(temporary) / "bench"
        generate(folder, models)
        compiled(folder, "dagster")
        never = f"http://127.0.0.1:{silent.getsockname()[1]}"
        variants = {
            OFF: {},
            "lineage-well": {LINEAGE: well.url},
            "lineage-away": {LINEAGE: AWAY},
            "lineage-silent": {LINEAGE: never},
            "spans-well": {SPANS: well.url},
            "spans-away": {SPANS: AWAY},
        }
        build = [sys.executable, "-c", BUILD, str(folder)]
        commands = {
            name: ["env", *(f"{key}={value}" for key, value in variables.items()), *build]
            for name, variables in variants.items()
            if name in chosen
        }
        return in_turns(commands, rounds)


def rows(found: dict[str, dict[str, float]]) -> list[list[str]]:
    """Return a row a variant, with its ratios to the run that tells nothing."""
    off = found[OFF]
    return [
        [
            name,
            *(text for key in ("seconds", "cpu") for text in _cells(measure[key], off[key])),
            f"{measure['telling']:.2f}",
            f"{measure['told_ratio']:.3f}",
        ]
        for name, measure in found.items()
    ]


def _cells(value: float, off: float) -> tuple[str, str]:
    return f"{value:.2f}", f"{value / off:.2f}"


if __name__ == "__main__":
    main()
