"""Change the source in one place at a time, and count how often `make test` notices.

A fixed random sample of changes; what came of each is in tests/mutants.tsv. Results are added as
they come, in random order, so a part of the sample is a sample too. `--again` runs those of the
file whose line is still there, with the tests that are there now, and compares.

    uv pip install coverage
    python scripts/tests_by_line.py
    python scripts/mutants.py [--again] [--minutes 60]
"""

from __future__ import annotations

import csv
import re
import time
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from mutated_copy import Copy
from mutations import function_lines
from sampled_mutants import COLUMNS, ROOT, Mutant, Row, mutants_again, sample, source_files, text_of
from tests_by_line import TestsByLine

RESULTS = ROOT / "tests" / "mutants.tsv"
AGAIN = ROOT / "build" / "mutants" / "again.tsv"
# What failed first with each killed mutant.
KILLERS = ROOT / "build" / "mutants" / "killers.tsv"
KILLED, SURVIVED, NOT_COVERED = "killed", "survived", "not covered by make test"
PROCESSES = 2
# For one mutant.
MOST_TESTS, MOST_SECONDS = 40, 60


def tests_of(mutant: Mutant, by_line: TestsByLine) -> list[str]:
    """Return the tests to run, the most specific first."""
    each = mutant.mutation
    found = by_line.of_lines(mutant.file, range(each.first, each.last + 1))
    is_imported = runs_on_import(mutant, by_line)
    if (is_imported and not found) or not each.in_function:
        found = by_line.of_lines(mutant.file, function_lines(text_of(mutant.file))) or found
    if is_imported and not found:
        found = by_line.of_files({f: function_lines(text_of(f)) for f in _importers(mutant.file)})
    return list(_within_limits(found, by_line.seconds))


def runs_on_import(mutant: Mutant, by_line: TestsByLine) -> bool:
    """Return whether the changed line runs outside of tests, when modules are imported."""
    each, lines = mutant.mutation, by_line.tests[mutant.file]
    return any("" in lines.get(line, ()) for line in range(each.first, each.last + 1))


def _within_limits(tests: Sequence[str], known: Mapping[str, float]) -> Iterator[str]:
    seconds = 0.0
    for place, test in enumerate(tests[:MOST_TESTS]):
        seconds += known[test]
        if place == 0 or seconds <= MOST_SECONDS:
            yield test


def _importers(file: str) -> list[str]:
    """Return the files that import a module."""
    module = file.split("/src/")[1].removesuffix(".py").removesuffix("/__init__")
    parent, _, name = module.replace("/", ".").rpartition(".")
    line = re.compile(rf"from {parent}(\.{name} import | import .*\b{name}\b)")
    return [f for files in source_files().values() for f in files if line.search(text_of(f))]


def run(mutants: Sequence[Mutant], results: Path, minutes: float) -> None:
    """Add to the results what comes of these mutants, until the time is over."""
    by_line, end = TestsByLine(), time.monotonic() + minutes * 60
    copies: SimpleQueue[Copy] = SimpleQueue()
    for number in range(PROCESSES):
        copies.put(Copy(number))

    def run_one(mutant: Mutant) -> None:
        tests = tests_of(mutant, by_line)
        if time.monotonic() > end:
            return
        if not tests:
            record(mutant, NOT_COVERED, "")
            return
        copy = copies.get()
        try:
            is_fresh = runs_on_import(mutant, by_line) or not mutant.mutation.in_function
            killer = copy.outcome(mutant, tests, by_line.seconds, is_fresh=is_fresh)
        finally:
            copies.put(copy)
        if killer:
            record(mutant, SURVIVED if killer == "passed" else KILLED, killer)

    def record(mutant: Mutant, outcome: str, killer: str) -> None:
        _add(results, mutant.row(outcome))
        _add(KILLERS, {**mutant.row(outcome), "killer": killer})
        print(outcome, mutant.file, mutant.mutation.line, killer, sep="\t", flush=True)

    with ThreadPoolExecutor(PROCESSES) as pool:
        done = {_key(row) for row in read(results)}
        list(pool.map(run_one, (each for each in mutants if _key(each.row("")) not in done)))
    killers = sorted({row["killer"] for row in read(KILLERS)} & by_line.seconds.keys())
    _forget_killed_by(copies.get().wrong_tests(killers, by_line.seconds), results)


def _key(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in COLUMNS if name != "outcome")


def read(results: Path) -> list[Row]:
    """Return the lines of a file of results."""
    if not results.exists():
        return []
    with results.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _add(results: Path, row: Row) -> None:
    is_new = not results.exists()
    with results.open("a", encoding="utf-8") as file:
        lines = [row.keys(), row.values()] if is_new else [row.values()]
        file.writelines("\t".join(values) + "\n" for values in lines)


def _forget_killed_by(wrong: set[str], results: Path) -> None:
    """Take from the results what tests killed that fail without a mutant too: run it again."""
    forgotten = {_key(row) for row in read(KILLERS) if row["killer"] in wrong}
    kept = [row for row in read(results) if _key(row) not in forgotten]
    print(f"{len(forgotten)} to be run again, killed by tests that fail anyway: {sorted(wrong)}")
    if forgotten:
        results.unlink()
        for row in kept:
            _add(results, row)


def show(rows: Iterable[Row]) -> None:
    """Print the share of mutants that are killed, by package and in all."""
    by_package: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        by_package[row["package"]][row["outcome"]] += 1
        by_package["all"][row["outcome"]] += 1
    for name in sorted(by_package, key=lambda each: (each == "all", each)):
        counts = by_package[name]
        share = counts[KILLED] / counts.total()
        print(f"{name:28}{share:6.1%} of {counts.total():3} killed,", end="")
        print(f" {counts[SURVIVED]:3} survived, {counts[NOT_COVERED]:3} not covered")


def main() -> None:
    """Run the sample, or that of the results again."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="run those of tests/mutants.tsv")
    parser.add_argument("--minutes", type=float, default=600, help="start none after so many")
    options = parser.parse_args()
    if not options.again:
        run(sample(), RESULTS, options.minutes)
        show(read(RESULTS))
        return
    again = list(mutants_again(read(RESULTS)))
    run([mutant for mutant, _ in again], AGAIN, options.minutes)
    after = {_key(row): row for row in read(AGAIN)}
    pairs = [(row, after[key]) for m, row in again if (key := _key(m.row(""))) in after]
    print(f"{len(again)} of {len(read(RESULTS))} lines are still there. Before:")
    show(before for before, _ in pairs)
    print("Now:")
    show(now for _, now in pairs)


if __name__ == "__main__":
    main()
