"""The nodes of a product's graph, the same for every plugin."""

from __future__ import annotations

from typing import Any, Literal

from floe_core.schemas.frozen import Frozen


class Step(Frozen):
    """The process of a step; the node of the same id holds the rest.

    `command` is a program and its arguments; `python` is a `module:function` instead, which is
    called by the Python that runs floe; `dbt` are the words of a dbt command. `image` runs as a
    pod, with `command`, if given, in place of its entrypoint. `sources` are the ids of the dbt
    sources that the step writes. `datasets` are the names of the other datasets that it writes,
    `inputs` of those that it reads from other steps: a name, or a URL such as `s3://bucket/path`.
    """

    unique_id: str
    command: tuple[str, ...] = ()
    python: str = ""
    dbt: tuple[str, ...] = ()
    image: str = ""
    sources: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


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

    `type` is the warehouse's name for its type. `volatile` says that its values may differ between
    two runs, such as the time of the run; parity leaves such a column out.
    """

    name: str
    type: str = ""
    description: str = ""
    volatile: bool = False


# What a Python model may import, beside Python's own, and still be reused: packages that compute.
COMPUTING_PACKAGES = ("numpy", "pandas", "polars", "pyarrow")


class ReuseFacts(Frozen):
    """What decides, beside its SQL and its inputs, whether a node's last build can be reused.

    `build` changes with every part of its configuration, hooks and materialization that changes the
    relation, `content` with those parts that may change its rows, "" if none may. `text` changes
    with its SQL and that of its ephemeral models, without comments, blanks and `config()`, "" if it
    has no SQL. `rendering` changes with what dbt compiles the node from, except names of relations,
    and is "" if anything else determines its SQL. `never` says what in its code or configuration
    prevents reuse, "" for nothing. `own_rows` is whether a build of an incremental model changes
    nothing if its SQL returns no rows ("adds"; in older artifacts "replaces", too), or the same as
    before ("overwrites"); "" if neither is certain. `reads_whole` is whether its hooks may read any
    column of its parents.
    `by_content` marks a source whose rows are hashed to find out whether they are new, or a table
    that is hashed after it is built, whatever its size, to find out whether its readers must be
    built; `loaded_at` is the field of a source that says when a row was loaded. `lag_seconds` is
    how old its last build may be although its inputs are new, 0 for no tolerance.
    """

    build: str = ""
    text: str = ""
    rendering: str = ""
    content: str = ""
    never: str = ""
    own_rows: Literal["", "adds", "replaces", "overwrites"] = ""
    reads_whole: bool = False
    by_content: bool = False
    loaded_at: str = ""
    lag_seconds: int = 0


class Node(Frozen):
    """One dbt resource, or a step. Its fields are those of dbt manifest v12 unless noted here.

    `depends_on` holds ids of upstream nodes, sorted; ephemeral models are replaced by their
    parents, so it names only sources and nodes that run. `schema_config` is the custom schema as
    the project configures it (dbt's `config.schema`), `schema_name` the resulting one. `tested` is
    the id of the node that a test belongs to, "" if it belongs to none. `checksum` changes when the
    node's own code does (`checksum.checksum`), "" if dbt has none. `macros_hash` changes with the
    macros, ephemeral models and vars that it uses, those of its materialization included, and
    `config_hash` with its configuration and hooks. `retries` and `timeout_seconds` are the node's
    own, None if it has none. `pool` is the pool in which it takes a slot while it runs, "" for
    none. A node that reads a source that a step writes also depends on the step. `error_if` and
    `warn_if` are a test's conditions on the rows it finds, "" for dbt's own `!= 0`. `reuse` holds
    the facts that `execution.reuse` compares. `port` is the key of the port of another product that
    a source stands for; its `meta` and `schema_config` are those of the node that builds the port.
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
    latest_version: str = ""
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
        """The name that people use for it, with the version of a versioned model, as in `ref()`."""
        return f"{self.name}.v{self.version}" if self.version else self.name

    @property
    def relation_name(self) -> str:
        """`database.schema.table`, without the parts that the warehouse does not have."""
        parts = (self.database, self.schema_name, self.identifier or self.name)
        return ".".join(filter(None, parts))

    @property
    def is_runnable(self) -> bool:
        """Whether a run executes it, unlike a source or an exposure."""
        return self.resource_type in RUNNABLE

    @property
    def is_relation(self) -> bool:
        """Whether it creates a table or view in the warehouse."""
        return self.resource_type in RELATIONS

    @property
    def is_in_warehouse(self) -> bool:
        """Whether it creates a relation or a function in the warehouse."""
        return self.is_relation or self.resource_type == "function"

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
