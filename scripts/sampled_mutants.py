"""A fixed random sample of the mutations of all packages, and the same ones in later sources."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from random import Random

from mutations import Mutation, mutations

ROOT = Path(__file__).parents[1]
COLUMNS = ("package", "file", "line", "operator", "source", "mutant", "outcome")
SEED = 20_261_207
# Mutants in all, and of each package.
TOTAL, LEAST = 640, 15

Row = dict[str, str]


@dataclass(frozen=True)
class Mutant:
    """A mutation of a file."""

    file: str
    mutation: Mutation

    @property
    def package(self) -> str:
        """Return the name of its package or plugin."""
        return self.file.split("/")[1]

    def row(self, outcome: str) -> Row:
        """Return its line of the results."""
        each = self.mutation
        values = (
            self.package,
            self.file,
            each.line,
            each.operator,
            each.source,
            each.mutant,
            outcome,
        )
        return dict(zip(COLUMNS, map(str, values), strict=True))


def sample() -> list[Mutant]:
    """Return the sample in its random order."""
    random = Random(SEED)
    files = source_files()
    lines = {name: sum(len(text_of(f).splitlines()) for f in files[name]) for name in files}
    rest = (TOTAL - LEAST * len(files)) / sum(lines.values())
    drawn = [
        mutant
        for name in files
        for mutant in _draw(files[name], LEAST + ceil(rest * lines[name]), random)
    ]
    random.shuffle(drawn)
    return drawn


def source_files() -> dict[str, list[str]]:
    """Return package -> its modules, sorted."""
    found = defaultdict(list)
    command = ["git", "ls-files", "packages/*/src/*.py", "plugins/*/src/*.py"]
    for file in subprocess.check_output(command, cwd=ROOT, text=True).splitlines():
        found[file.split("/")[1]].append(file)
    return {name: sorted(found[name]) for name in sorted(found)}


def _draw(files: Iterable[str], wanted: int, random: Random) -> Iterator[Mutant]:
    """Yield mutants, each of a module at random."""
    left: dict[str, list[Mutation] | None] = dict.fromkeys(files)
    while wanted and left:
        file = random.choice(list(left))
        of_file = list(mutations(text_of(file))) if left[file] is None else left[file] or []
        left[file] = of_file
        if of_file:
            yield Mutant(file, of_file.pop(random.randrange(len(of_file))))
            wanted -= 1
        else:
            del left[file]


def text_of(file: str) -> str:
    """Return the text of a file of the repository."""
    return (ROOT / file).read_text("utf-8")


def mutants_again(rows: Iterable[Row]) -> Iterator[tuple[Mutant, Row]]:
    """Yield the mutants of the results whose line still exists, in its file or another."""
    files = source_files()
    for row in rows:
        places = [row["file"], *files.get(row["package"], [])]
        found = (m for file in places if (ROOT / file).exists() for m in _like(row, file))
        if mutant := next(found, None):
            yield mutant, row


def _like(row: Row, file: str) -> list[Mutant]:
    text = text_of(file)
    if row["source"] not in text:
        return []
    wanted = (row["operator"], row["source"], row["mutant"])
    like = [each for each in mutations(text) if (each.operator, each.source, each.mutant) == wanted]
    like.sort(key=lambda each: abs(each.line - int(row["line"])))
    return [Mutant(file, each) for each in like]
