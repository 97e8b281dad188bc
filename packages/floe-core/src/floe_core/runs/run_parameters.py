"""The parameters of one run, chosen on the command line or in an orchestrator's own form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError

from floe_core.schemas.frozen import Frozen


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start` up to, not including, `end`; both aware UTC times."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, start: str, end: str) -> TimeRange:
        """Return the range between two ISO times, in UTC unless they say otherwise.

        Raises:
            ValueError: One is not an ISO time, or the range is empty.
        """
        found = cls(_utc(start), _utc(end))
        if found.start >= found.end:
            raise ValueError(f"the range from {start} to {end} holds nothing")
        return found


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


RunResourceType = Literal["model", "seed", "snapshot", "test", "unit_test", "step"]


class RunParameters(Frozen):
    """One run's parameters, named after the options of `dbt build`, with the same effect.

    Each orchestrator's form shows the titles and descriptions.
    """

    select: Annotated[
        str,
        Field(
            title="Select",
            description="Nodes to build, in dbt's selection syntax. Empty: the whole job.",
        ),
    ] = ""
    exclude: Annotated[
        str,
        Field(title="Exclude", description="Nodes to leave out, in dbt's selection syntax."),
    ] = ""
    resource_types: Annotated[
        tuple[RunResourceType, ...],
        Field(
            title="Resource types",
            description="Build only resources of these types: model, seed, snapshot, test, "
            "unit_test, step. Empty: all types.",
        ),
    ] = ()
    full_refresh: Annotated[
        bool,
        Field(
            title="Full refresh",
            description="Drop incremental models and seeds, and rebuild them from scratch.",
        ),
    ] = False
    empty: Annotated[
        bool,
        Field(
            title="Empty",
            description="Read no rows: check that everything builds, with empty tables as result.",
        ),
    ] = False
    vars: Annotated[
        dict[str, Any],
        Field(
            title="dbt vars",
            description="dbt vars of this run; they override those of floe.yaml.",
        ),
    ] = {}

    partitions: Annotated[
        str,
        Field(
            title="Partitions",
            description="The partition to build, such as 2026-11-03, or a range, "
            "2026-11-01...2026-11-03, or several with commas. Empty: those of the tick.",
        ),
    ] = ""

    def __hash__(self) -> int:
        """Hash the fields that can be hashed; a mapping of vars can't."""
        flags = (self.full_refresh, self.empty)
        return hash((self.select, self.exclude, self.resource_types, *flags, self.partitions))

    @classmethod
    def given(cls, values: Mapping[str, Any]) -> Self:
        """Return the parameters among a form's values; a value of None counts as not given.

        >>> RunParameters.given({"full_refresh": True, "select": None, "range_start": "..."})
        ... # doctest: +ELLIPSIS
        RunParameters(select='', ..., full_refresh=True, empty=False, vars={}, partitions='')

        Raises:
            ValueError: A value is not valid; the text names every such value.
        """
        ours = {name: values[name] for name in cls.model_fields if values.get(name) is not None}
        try:
            return cls.model_validate(ours)
        except ValidationError as error:
            found = (f"{_place(each['loc'])}: {each['msg']}" for each in error.errors())
            raise ValueError("; ".join(found)) from None

    @property
    def narrows(self) -> bool:
        """Whether the parameters select some of the nodes."""
        return bool(self.select or self.exclude or self.resource_types)

    @property
    def selection(self) -> str:
        """The selection as written on a command line."""
        given = {"--select": self.select, "--exclude": self.exclude}
        words = [text for pair in given.items() if pair[1] for text in pair]
        types = [text for kind in self.resource_types for text in ("--resource-type", kind)]
        return " ".join([*words, *types])

    def for_chosen_nodes(self) -> Self:
        """Return the parameters of a run whose nodes are already chosen: without the selection.

        With vars, it stays: the build applies it to nodes that only the vars enable.
        """
        return self if self.vars else self.without_selection()

    def without_selection(self) -> Self:
        """Return the parameters without the selection, for a build of its named nodes alone."""
        return self.model_copy(update={"select": "", "exclude": "", "resource_types": ()})

    def as_given(self) -> dict[str, Any]:
        """Return name -> value of the parameters that are not the default, as JSON values."""
        return self.model_dump(mode="json", exclude_defaults=True)


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location)
