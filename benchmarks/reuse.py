"""What reuse takes where nothing changed and where ten models did, beside dbt's own selection.

    .venv/bin/python benchmarks/reuse.py 1000

Figures are CPU seconds of whole processes with all that they start, in turns. Compiling the product
is measured by itself. A change is one of a column that no other model reads, or that fifteen models
of the last layer read. `dbt build -s state:modified+` builds the changed models and all
below them, and compares with the manifest of the build before.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from generate_project import LAYER, generate
from measuring import run, table, timed_in_turns

CHANGED = 10
EDIT = """\
import re, sys, time
from pathlib import Path
for number in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
    [file] = Path(sys.argv[1]).glob(f"models/*/m_{number:05}.sql")
    new = f"'{time.time_ns()}' as column_0"
    file.write_text(re.sub(r"(label|'[0-9]+') as column_0", new, file.read_text()))
"""
BUILD = """\
import sys, time
from floe_core.execution import BuildRequest, build
from floe_core.schemas import CompiledArtifacts
*_, end = build(CompiledArtifacts.load(sys.argv[1]), BuildRequest("bench", str(time.time_ns())))
assert end.succeeded, end
"""
COMPILE = """\
import sys
from floe_core.compiler import compile_product
compile_product(sys.argv[1], reuse=True)
"""
# Ten models of the last layer but one that have fifteen readers in all.
EDIT_READ = """\
import random, re, sys, time
from pathlib import Path
*_, layer, last = sorted(Path(sys.argv[1]).glob("models/layer_*"))
above = {file.stem: file for file in sorted(layer.glob("*.sql"))}
reads = [set(re.findall(r"ref\\('(m_\\d+)'\\)", file.read_text())) for file in last.glob("*.sql")]
chance = random.Random(0)
picks = (set(chance.sample(sorted(above), 10)) for _ in range(100_000))
for name in next(pick for pick in picks if sum(bool(each & pick) for each in reads) == 15):
    text = above[name].read_text()
    new = f"select id, label || '{time.time_ns()}' as label, "
    above[name].write_text(re.sub(r"select id, label(?: \\|\\| '\\d+' as label)?, ", new, text))
"""
PROFILES = """\
bench:
  target: dev
  outputs: {dev: {type: duckdb, path: "bench.duckdb", threads: 2}}
"""
DBT, NO_NEWS, TEN, STATE = "dbt build", "no news", "ten changed", "state:modified+"
READ, COMPILED = "ten read by fifteen", "compiled anew"


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="?", default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    measures = measured(arguments.models, arguments.rounds)
    whole = [each["cpu"] for each in measures[DBT]]
    rows = [
        [
            name,
            f"{median(each['cpu'] for each in found):.1f}",
            f"{median(each['wall'] for each in found):.1f}",
            f"{median(e['cpu'] / w for e, w in zip(found, whole, strict=True)):.2f}",
        ]
        for name, found in measures.items()
    ]
    print(f"{arguments.models} models")
    print(table(["", "cpu s", "wall s", f"cpu / {DBT}"], rows))


def measured(models: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Return side -> its measures, one a round."""
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        floe, whole, plain = (Path(temporary) / name / "bench" for name in ("a", "b", "c"))
        for folder in (floe, whole, plain):
            generate(folder, models)
            (folder / "profiles.yml").write_text(PROFILES)
        programs = {"edit.py": EDIT, "edit_read.py": EDIT_READ}
        programs |= {"compile.py": COMPILE, "build.py": BUILD}
        for name, program in programs.items():
            (Path(temporary) / name).write_text(program)
        build = f"{sys.executable} {temporary}/build.py {floe}"
        compiling = f"{sys.executable} {temporary}/compile.py {floe}"
        run(["sh", "-c", f"{compiling} && {build}"])
        dbt = f"{Path(sys.executable).parent / 'dbt'} build --quiet --profiles-dir ."
        run(["sh", "-c", f"cd {plain} && {dbt} && cp -r target state"])
        # In the middle, so that about half of the models are below.
        edit = f"{sys.executable} {temporary}/edit.py"
        edited = f"{models // 2 // LAYER * LAYER} {CHANGED}"
        selected = f"{dbt} -s state:modified+ --state state && rm -r state && cp -r target state"
        commands = {
            DBT: f"cd {whole} && {dbt}",
            NO_NEWS: build,
            COMPILED: compiling,
            TEN: build,
            READ: build,
            STATE: f"cd {plain} && {selected}",
        }
        before = {
            TEN: f"{edit} {floe} {edited} && {compiling}",
            READ: f"{sys.executable} {temporary}/edit_read.py {floe} && {compiling}",
            STATE: f"{edit} {plain} {edited}",
        }
        return timed_in_turns(in_shell(commands), rounds, in_shell(before))


def in_shell(commands: dict[str, str]) -> dict[str, list[str]]:
    """Return the commands as those of a shell, by their names."""
    return {name: ["sh", "-c", each] for name, each in commands.items()}


if __name__ == "__main__":
    main()
