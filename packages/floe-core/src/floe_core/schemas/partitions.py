"""Time partitions: the part of a product that is built period by period."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from floe_core.schemas.frozen import Frozen

PartitionBy = Literal["hour", "day", "week", "month"]
TickBuilds = Literal["previous", "current"]
PartitionValue = Literal["start", "end", "start_date", "end_date", "key"]


class Partitions(Frozen):
    """The partitions of a product. `start` is a day, YYYY-MM-DD, in the IANA zone `timezone`.

    A tick builds the last complete partition (`previous`) or the one that it is in (`current`), and
    before it the `lookback` earlier ones. `vars` is name of a dbt var -> what of the partition is
    its value. `node_ids` are the nodes that are built for each partition, sorted; the tests that
    need nothing else are among them. `microbatch` are those of them that are microbatch models.
    """

    by: PartitionBy
    start: str
    timezone: str = "UTC"
    builds: TickBuilds = "previous"
    lookback: int = 0
    vars: dict[str, PartitionValue] = {}
    node_ids: tuple[str, ...] = ()
    microbatch: tuple[str, ...] = ()

    @property
    def calendar(self) -> Partitions:
        """The same partitions without what is built for them."""
        return Partitions(by=self.by, start=self.start, timezone=self.timezone)

    @cached_property
    def members(self) -> frozenset[str]:
        """The same nodes as `node_ids`, to look one up."""
        return frozenset(self.node_ids)
