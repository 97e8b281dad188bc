"""How long `floe ci` takes for 3 changed models, and what it builds beside plain dbt.

    .venv/bin/python benchmarks/ci_check.py 100

One change is of a column that nobody reads, one of a column that is read, one a comment. The peer
is `dbt build --select state:modified+ --defer`, after a `dbt parse` of the base as its state; it
compares nothing. Seconds are wall seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from generate_project import generate
from measuring import run, table

DBT = [sys.executable, "-m", "dbt.cli.main"]
FLOE = str(Path(sys.executable).with_name("floe"))
UNREAD = ("label as column_0", "label || '!' as column_0")
READ = ("select id, label,", "select id, upper(label) as label,")
COMMENT = ("with rows", "-- of all rows\nwith rows")


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="*", default=[100])
    rows = [compare(models) for models in parser.parse_args().models]
    names = ["models", "floe ci", "nodes built", "state:modified+", "nodes built", "load"]
    print(table(names, rows))


def compare(models: int) -> list[str]:
    """Return a row: seconds and nodes of each, and the machine's load."""
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        folder = Path(temporary).resolve()
        base, head = folder / "base", folder / "head"
        generate(base, models)
        file = base / "bench.duckdb"
        write_profiles(folder / "profiles", file, "main")
        dbt(base, folder / "profiles", "build")
        change(base, head, models)
        began = time.monotonic()
        told = json.loads(run([FLOE, "ci", str(base), str(head), "--json"]))
        ours = time.monotonic() - began
        theirs, count = peer(folder, base, head, file)
        load = f"{os.getloadavg()[0]:.1f}"
        built = str(len(told["nodes"]))
        return [str(models), f"{ours:.1f}", built, f"{theirs:.1f}", str(count), load]


def change(base: Path, head: Path, models: int) -> None:
    """Copy the base and change three of its models, none in the first layer or the last."""
    left = shutil.ignore_patterns("*.duckdb", "target", "logs")
    shutil.copytree(base, head, ignore=left)
    for number, (old, new) in ((30, UNREAD), (50, READ), (70, COMMENT)):
        [file] = (head / "models").glob(f"*/m_{number * models // 100:05}.sql")
        text = file.read_text()
        assert old in text
        file.write_text(text[: text.rindex(old)] + new + text[text.rindex(old) + len(old) :])


def peer(folder: Path, base: Path, head: Path, file: Path) -> tuple[float, int]:
    """Return the seconds and the number of nodes of plain dbt, in a schema of its own."""
    write_profiles(folder / "own", file, "own")
    began = time.monotonic()
    dbt(base, folder / "profiles", "parse", "--target-path", str(folder / "state"))
    state = ["--state", str(folder / "state"), "--select", "state:modified+", "--defer"]
    dbt(head, folder / "own", "build", *state)
    seconds = time.monotonic() - began
    results = json.loads((head / "target" / "run_results.json").read_text())["results"]
    return seconds, len(results)


def write_profiles(folder: Path, file: Path, schema: str) -> None:
    """Write a profile that leads to a schema of the file."""
    folder.mkdir()
    output = f"{{type: duckdb, path: {file}, schema: {schema}, threads: 2}}"
    text = f"bench: {{target: default, outputs: {{default: {output}}}}}\n"
    (folder / "profiles.yml").write_text(text)


def dbt(folder: Path, profiles: Path, *arguments: str) -> None:
    """Run dbt without partial parsing."""
    place = ["--project-dir", str(folder), "--profiles-dir", str(profiles), "--quiet"]
    run([*DBT, *arguments, *place, "--no-partial-parse"])


if __name__ == "__main__":
    main()
