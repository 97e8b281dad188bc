"""The nodes of a product's graph, as every plugin sees them."""

from __future__ import annotations

from typing import Any, Literal

from floe_core.schemas.frozen import Frozen

ResourceType = Literal[
    "model", "seed", "snapshot", "function", "test", "unit_test", "source", "exposure", "step"
]

STEP = "step"
FRESHNESS = "freshness"
RUNNABLE: frozenset[str] = frozenset(
    {"model", "seed", "snapshot", "function", "test", "unit_test", STEP}
)
RELATIONS: frozenset[str] = frozenset({"model", "seed", "snapshot"})
TESTS: frozenset[str] = frozenset({"test", "unit_test"})


class Column(Frozen):
    """A column that the dbt project documents.

    `type` is the warehouse's name for its type. `volatile` says that two runs may fill it
    differently, such as with the time of the run; parity leaves it out.
    """

    name: str
    type: str = ""
    description: str = ""
    volatile: bool = False


class ReuseFacts(Frozen):
    """What decides, beside its SQL and its inputs, whether a node's last build still holds.

    `build` changes with whatever of its configuration, hooks and materialization changes the
    relation, `content` with those parts of it that may change its rows, "" where none may. `text`
    changes with its SQL and that of ephemeral models in it, without comments, blanks and
    `config()`, "" where there is none. `rendering` changes with what dbt compiles the node from,
    names of relations aside, and is "" where anything else decides about its SQL. `never` says what
    in its code or configuration keeps it from being reused, "" for nothing. `by_content` is a
    source whose rows are hashed to tell whether they are new, or a table that is hashed whatever
    its size once it is built, to tell whether its readers are to be built; `loaded_at` is the field
    of a source that says when a row was loaded.
    `lag_seconds` is how old its last build may be while its inputs are new, 0 for no time.
    """

    build: str = ""
    text: str = ""
    rendering: str = ""
    content: str = ""
    never: str = ""
    by_content: bool = False
    loaded_at: str = ""
    lag_seconds: int = 0


class Node(Frozen):
    """One dbt resource, or a step. Its fields are those of dbt manifest v12 unless said otherwise.

    `depends_on` holds ids of upstream nodes, sorted; ephemeral models are folded away, so it names
    only what runs, and sources. `schema_config` is the custom schema as the project configures it
    (dbt's `config.schema`), `schema_name` the one that results. `tested` is the id of the node that
    a test belongs to, "" when it belongs to none. `checksum` changes when the node's own code does
    (`checksum.checksum`), "" where dbt has none. `macros_hash` changes with the macros that it
    uses, its materialization's included, and `config_hash` with its configuration and hooks.
    `retries` and `timeout_seconds` are the node's own, None where it has none. `pool` is the one of
    which it takes a slot while it runs, "" for none. What reads a source
    that a step writes depends on the step as well. `error_if` and
    `warn_if` are a test's conditions on the rows it finds, "" for dbt's own `!= 0`.
    `reuse` is what `execution.reuse` goes by. `port` is the key of the port of another product that
    a source stands for; its `meta` and `schema_config` are those of the node that builds it.
    """

    unique_id: str
    name: str
    resource_type: ResourceType
    package: str
    path: str = ""
    fqn: tuple[str, ...] = ()
    database: str = ""
    schema_name: str = ""
    identifier: str = ""
    schema_config: str = ""
    materialization: str = ""
    language: str = "sql"
    depends_on: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    description: str = ""
    group: str = ""
    owners: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    meta: dict[str, Any] = {}
    tier: str = ""
    compute: str = ""
    source_name: str = ""
    version: str = ""
    tested: str = ""
    test_kind: str = ""
    test_column: str = ""
    severity: str = ""
    error_if: str = ""
    warn_if: str = ""
    checksum: str = ""
    macros_hash: str = ""
    config_hash: str = ""
    retries: int | None = None
    timeout_seconds: int | None = None
    pool: str = ""
    reuse: ReuseFacts = ReuseFacts()
    port: str = ""

    @property
    def label(self) -> str:
        """The name that people know it by; a versioned model's with its version, as in `ref()`."""
        return f"{self.name}.v{self.version}" if self.version else self.name

    @property
    def is_runnable(self) -> bool:
        """Whether a run runs it, as opposed to a source or an exposure."""
        return self.resource_type in RUNNABLE

    @property
    def is_relation(self) -> bool:
        """Whether it leaves a table or view in the warehouse."""
        return self.resource_type in RELATIONS

    @property
    def is_step(self) -> bool:
        """Whether it is a process of floe.yaml's `steps`, which dbt does not know."""
        return self.resource_type == STEP

    @property
    def is_freshness(self) -> bool:
        """Whether it is a test of a source's freshness, which `dbt build` does not run."""
        return self.test_kind == FRESHNESS

    @property
    def is_test(self) -> bool:
        """Whether it is a data test or a unit test."""
        return self.resource_type in TESTS


def source_name(node: Node) -> str:
    """Return the name of a source's table in floe.yaml: `source.table`."""
    return f"{node.source_name}.{node.name}"
