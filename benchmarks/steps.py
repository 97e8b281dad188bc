"""What a product of dbt models and steps costs, against its parts: dbt alone, and the steps alone.

    .venv/bin/python benchmarks/steps.py 1000 --steps 20

Half of the steps run before the models, which read what they write, the other half after them. The
parts are the models without steps (`dbt build` by itself, and a build of floe's), and the commands
of the steps one after another, without floe. Figures are CPU seconds of whole processes with all
that they start, in turns; the ratios are medians of those of each round. The target is 1.05.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from generate_project import generate
from measuring import compiled, table, timed_in_turns

BUILD = """\
import sys, time
from floe_core.execution import BuildRequest, build
from floe_core.schemas import CompiledArtifacts
*_, end = build(CompiledArtifacts.load(sys.argv[1]), BuildRequest("bench", str(time.time_ns())))
assert end.succeeded, end
"""
PROFILES = """\
bench:
  target: dev
  outputs: {dev: {type: duckdb, path: "bench.duckdb", threads: 2}}
"""
WORK = "import json, urllib.request"
WHOLE, DBT, BUILT, STEPS = "product", "dbt build", "build without steps", "steps alone"
TARGET = 1.05


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="?", default=1000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    measures = measured(arguments.models, arguments.steps, arguments.rounds)
    cpu = {name: [each["cpu"] for each in found] for name, found in measures.items()}
    rows = [[name, f"{median(found):.2f}"] for name, found in cpu.items()]
    print(f"{arguments.models} models, {arguments.steps} steps")
    print(table(["", "cpu s"], rows))
    for part in (DBT, BUILT):
        parts = [dbt + steps for dbt, steps in zip(cpu[part], cpu[STEPS], strict=True)]
        ratio = median(w / p for w, p in zip(cpu[WHOLE], parts, strict=True))
        print(f"{WHOLE} / ({part} + {STEPS}): {ratio:.3f}, target {TARGET}")


def measured(models: int, steps: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Return side -> its measures, one a round."""
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        whole, alone, plain = (Path(temporary) / name / "bench" for name in ("a", "b", "c"))
        for folder in (whole, alone, plain):
            write(folder, models, steps)
        with (whole / "floe.yaml").open("a") as file:
            file.write(steps_section(models, steps))
        for folder in (whole, alone):
            compiled(folder, "dagster")
        (plain / "profiles.yml").write_text(PROFILES)
        python = sys.executable
        every = " && ".join([f"{python} -c '{WORK}'"] * steps)
        dbt = Path(python).parent / "dbt"
        return timed_in_turns(
            {
                WHOLE: [python, "-c", BUILD, str(whole)],
                DBT: ["sh", "-c", f"cd {plain} && {dbt} build --quiet --profiles-dir ."],
                BUILT: [python, "-c", BUILD, str(alone)],
                STEPS: ["sh", "-c", every],
            },
            rounds,
        )


def write(folder: Path, models: int, steps: int) -> None:
    """Write the models, those of the first layer reading a source for each step before them."""
    generate(folder, models)
    tables = ", ".join(f"{{name: t_{number:02}}}" for number in range(steps // 2))
    sources = f"sources: [{{name: loaded, schema: main, tables: [{tables}]}}]\n"
    (folder / "models" / "sources.yml").write_text(sources)
    for number in range(steps // 2):
        file = folder / "models" / "layer_000" / f"m_{number:05}.sql"
        reads = f"-- {{{{ source('loaded', 't_{number:02}') }}}}\n"
        file.write_text(reads + file.read_text())


def steps_section(models: int, steps: int) -> str:
    """Return `steps` of floe.yaml."""
    command = f"command: [python, -c, '{WORK}']"
    lines = ["steps:"]
    for number in range(steps // 2):
        lines.append(f"  - {{name: load_{number:02}, {command}, writes: [loaded.t_{number:02}]}}")
    for number in range(steps - steps // 2):
        read = f"m_{models - 1 - number:05}"
        lines.append(f"  - {{name: push_{number:02}, {command}, reads: [{read}]}}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
