"""Read what a step reports about its work: lines of JSON in the file named by FLOE_FACTS_FILE."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from floe_core.runs.build_events import DatasetFact

MAX_BYTES = 1_000_000
MAX_SHOWN = 20


class StepFact(BaseModel):
    """One line. `rows` counts the rows of `dataset` if given, else those of the whole step.

    `version` distinguishes this state of the dataset from others.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    dataset: Annotated[str, StringConstraints(min_length=1, max_length=250)] | None = None
    rows: Annotated[int, Field(ge=0)] | None = None
    version: Annotated[str, StringConstraints(max_length=250)] | None = None
    message: Annotated[str, StringConstraints(max_length=4000)] | None = None


@dataclass
class StepFacts:
    """All facts of a step. `rows` is None if it counted none; `problems` are unreadable lines."""

    rows: int | None = None
    message: str = ""
    datasets: tuple[DatasetFact, ...] = ()
    problems: list[str] = field(default_factory=list)


def read_facts(path: Path, known: Iterable[str]) -> StepFacts:
    """Return the facts in a file, none if it is missing; `known` are the datasets of the step."""
    found = StepFacts()
    facts = [fact for line in _lines(path, found) if (fact := _parse(*line, found)) is not None]
    counted = [fact.rows for fact in facts if fact.rows is not None]
    found.rows = sum(counted) if counted else None
    found.message = "; ".join(fact.message for fact in facts if fact.message)
    found.datasets = _of_datasets(facts, frozenset(known), found)
    return found


def _lines(path: Path, found: StepFacts) -> list[tuple[int, str]]:
    try:
        # A pipe in its place would be waited for.
        if path.exists() and not path.is_file():
            found.problems.append("its facts can't be read: not a file")
            return []
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1).decode(errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        found.problems.append(f"its facts can't be read: {error.strerror}")
        return []
    if len(text) > MAX_BYTES:
        found.problems.append(f"its facts have more than {MAX_BYTES:,} bytes; the rest is left out")
        text = text[:MAX_BYTES].rpartition("\n")[0]
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _parse(number: int, line: str, found: StepFacts) -> StepFact | None:
    try:
        return StepFact.model_validate_json(line)
    except ValidationError as error:
        if len(found.problems) < MAX_SHOWN:
            first = error.errors()[0]
            place = ".".join(str(each) for each in first["loc"])
            what = f"{place}: {first['msg']}" if place else first["msg"]
            found.problems.append(f"line {number} of its facts is left out: {what}")
        return None


def _of_datasets(
    facts: list[StepFact], known: frozenset[str], found: StepFacts
) -> tuple[DatasetFact, ...]:
    """Return the facts of each dataset: the sum of its rows, and its last version."""
    by_dataset: dict[str, DatasetFact] = {}
    for fact in facts:
        if fact.dataset is None:
            continue
        if fact.dataset not in known:
            found.problems.append(f"its facts name '{fact.dataset}', which it does not write")
            continue
        before = by_dataset.get(fact.dataset, DatasetFact(fact.dataset))
        rows = before.rows if fact.rows is None else (before.rows or 0) + fact.rows
        by_dataset[fact.dataset] = DatasetFact(fact.dataset, rows, fact.version or before.version)
    return tuple(by_dataset.values())
