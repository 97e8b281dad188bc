"""Ports: the relations that a product offers to others, and those of others that it reads."""

from __future__ import annotations

from typing import Literal

from floe_core.schemas.frozen import Frozen
from floe_core.schemas.partitions import Partitions

OnUpdate = Literal["all", "any"]
WhenLate = Literal["run", "skip"]


class PortColumn(Frozen):
    """A column of a port; `type` is as dbt's contract declares it, "" without a contract.

    `is_quoted`: the warehouse takes its name for another column unless it is in quotes.
    """

    name: str
    type: str = ""
    is_quoted: bool = False

    @property
    def key(self) -> str:
        """The column as a query may write it: in lower case, or in quotes if it needs them."""
        return f'"{self.name}"' if self.is_quoted else self.name.lower()


class Port(Frozen):
    """A relation that a product offers under a name and a version.

    `node_id` is the node that builds it. `columns` are in order. `is_complete`: there are no
    other columns.
    """

    name: str
    version: str
    node_id: str
    description: str = ""
    columns: tuple[PortColumn, ...] = ()
    is_complete: bool = False

    @property
    def key(self) -> str:
        """The port's key in the ledger within its product: `port@version`."""
        return f"{self.name}@{self.version}"

    def key_in(self, product: str) -> str:
        """Return the port's key in the ledger: `product/port@version`."""
        return port_key(product, self.name, self.version)


class InputPort(Frozen):
    """A port of another product that this one reads.

    `node_id` is its node in this product's graph, "" if dbt does not know it. `label` is the name,
    with its version, of the node that builds it, after `package/` if another dbt package of the
    producer defines it. `columns` are those of the port at compile time. `columns_read` are the
    columns that this product uses, as sorted keys; None if that is unknown, so that it may use any.
    `leading_read` is how many of the port's first columns it reads by position, such as in `port as
    p(a, b)`. `is_read_whole`: the number and order of all columns matter, such as in a UNION.
    `not_wanted` are names that a new column of the port must not have, because they are the names
    of other columns beside it; None if none may be added. `columns_passed_on` are not read, but a
    `*` passes them on to the product's own ports. `partitions` are those that the producer builds
    it by, without nodes and vars; None if it is built whole.
    """

    product: str
    port: str
    version: str
    node_id: str = ""
    label: str = ""
    columns: tuple[PortColumn, ...] = ()
    columns_read: tuple[str, ...] | None = None
    leading_read: int = 0
    is_read_whole: bool = False
    not_wanted: tuple[str, ...] | None = ()
    columns_passed_on: tuple[str, ...] = ()
    partitions: Partitions | None = None

    @property
    def key(self) -> str:
        """The port's key in the ledger: `product/port@version`."""
        return port_key(self.product, self.port, self.version)


class UpdateTrigger(Frozen):
    """Starts a job when ports that the product reads were updated.

    With `all` every port must have a new update, with `any` one is enough. `wait_seconds` is how
    long, from the first new update on, a job waits for the rest; None for no limit. After that,
    the job runs with the updates so far, or marks them as seen without running (`skip`). `ports`
    are keys of the ports.

    With `every`, the job runs once for each of these partitions, its own, when all partitions of
    the ports that are in it were built; `port_partitions` are those of the ports, by their keys.
    """

    on_update: OnUpdate
    ports: tuple[str, ...]
    wait_seconds: int | None = None
    when_late: WhenLate = "run"
    enabled: bool = True
    every: Partitions | None = None
    port_partitions: dict[str, Partitions] = {}

    @property
    def awaited(self) -> str:
        """What the job waits for, as in `all of a, b` or `each month of a`."""
        which = f"each {self.every.by}" if self.every else self.on_update
        return f"{which} of {', '.join(self.ports)}"


def port_key(product: str, port: str, version: str) -> str:
    """Return a port's key in the ledger.

    >>> port_key("customer-360", "customers", "1")
    'customer-360/customers@1'
    """
    return f"{product}/{port}@{version}"


def short_port_name(key: str) -> str:
    """Return the short name that steps may use for a port if they read one version of it.

    >>> short_port_name("customer-360/customers@1")
    'customer-360.customers'
    """
    return key.rpartition("@")[0].replace("/", ".")
