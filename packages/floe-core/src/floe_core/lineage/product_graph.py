"""The jobs and datasets of a product for lineage, as known before anything runs."""

from __future__ import annotations

import csv
import re
from functools import cached_property
from pathlib import Path

from floe_core.lineage import facets
from floe_core.lineage.facets import Json, LineageJob
from floe_core.lineage.naming import node_job_name, warehouse_namespace
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Column, Node, source_name
from floe_core.secrets.redactor import Redactor
from floe_core.storage.files import file_in

_NOT_A_COMMA = re.compile(r"[;|\t]")


def seed_columns(file: Path) -> list[str]:
    """Return the names in a seed's first line; [] if they can't be read with certainty.

    A seed may have another delimiter than a comma, which is not known here.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            names = next(csv.reader(lines), [])
    except (OSError, ValueError, csv.Error):
        return []
    return [] if _NOT_A_COMMA.search("".join(names)) else names


_QUOTES = {
    **dict.fromkeys(("duckdb", "postgres", "redshift", "snowflake", "sqlite", "trino"), '"'),
    **dict.fromkeys(("bigquery", "clickhouse", "databricks", "spark"), "`"),
}


class ProductGraph:
    """The jobs and datasets of a product; descriptions contain no secrets."""

    def __init__(self, artifacts: CompiledArtifacts, redactor: Redactor) -> None:
        self._artifacts = artifacts
        self._redactor = redactor
        self._warehouse = artifacts.lineage.dataset_namespace or warehouse_namespace(
            artifacts.dbt.profile, artifacts.product.name
        )

    @cached_property
    def product_job(self) -> LineageJob:
        """The job of a whole run."""
        product = self._artifacts.product
        owners = list(filter(None, [product.owner]))
        text = self._redactor.text(product.description)
        described: Json = {"jobType": facets.job_type("FLOE", "PRODUCT")}
        described |= facets.description("Job", owners, product.labels, text)
        return LineageJob(self._artifacts.lineage.namespace, product.name, described)

    def node_job(self, node: Node) -> LineageJob:
        """Return the job of a node."""
        integration = "FLOE" if node.is_step else "DBT"
        described: Json = {"jobType": facets.job_type(integration, node.resource_type.upper())}
        described |= self._description("Job", node)
        name = node_job_name(self._artifacts.product.name, node)
        return LineageJob(self._artifacts.lineage.namespace, name, described)

    def inputs(self, node: Node) -> list[tuple[str, Json]]:
        """Return the datasets that a node reads, each with the id of the node it comes from first.

        A unit test reads none: it contains its own data.
        """
        if node.resource_type == "unit_test":
            return []
        upstream = (self._artifacts.by_id.get(node_id) for node_id in node.depends_on)
        data = (n for n in upstream if n and (n.is_relation or n.resource_type == "source"))
        read = [(each.unique_id, self._input(each)) for each in data]
        step = self._artifacts.steps_by_id.get(node.unique_id)
        names = step.inputs if step else ()
        return [*read, *((name, self._named_dataset(name)) for name in names)]

    def output(self, node: Node) -> Json | None:
        """Return the dataset that a node produces, with its description; None for a test."""
        if not node.is_relation:
            return None
        return self._dataset(node, self._schema(node) | self._description("Dataset", node))

    def outputs_of_step(self, node: Node) -> list[tuple[str, Json]]:
        """Return the datasets that a step writes, each with its name in floe.yaml first."""
        step = self._artifacts.steps_by_id.get(node.unique_id)
        if step is None:
            return []
        sources = [self._artifacts.by_id[source] for source in step.sources]
        return [
            *((source_name(each), self.dataset(each)) for each in sources),
            *((name, self._named_dataset(name)) for name in step.datasets),
        ]

    def _named_dataset(self, name: str) -> Json:
        """Return a dataset outside the warehouse, or a source by its name in floe.yaml."""
        scheme, _, rest = name.partition("://")
        if not rest:
            return {"namespace": self._artifacts.lineage.namespace, "name": name, "facets": {}}
        host, _, path = rest.partition("/")
        return {"namespace": f"{scheme}://{host}", "name": path or "/", "facets": {}}

    def with_built_columns(
        self, node: Node, output: Json | None, columns: tuple[Column, ...]
    ) -> Json | None:
        """Return an output with the columns that were built according to the warehouse."""
        if output is None or not columns:
            return output
        documented = {column.name.lower(): column.description for column in node.columns}
        fields = [
            self._field(
                column.model_copy(update={"description": documented.get(column.name.lower(), "")})
            )
            for column in columns
        ]
        return {**output, "facets": {**output["facets"], "schema": facets.schema(fields)}}

    def is_foreign(self, node_id: str) -> bool:
        """Return whether no run of this product produces an input, given the id of its node."""
        node = self._artifacts.by_id.get(node_id)
        if node is None or node.resource_type != "source":
            return False
        return not any(node_id in step.sources for step in self._artifacts.steps)

    def dataset(self, node: Node) -> Json:
        """Return the dataset of a table with its columns."""
        return self._dataset(node, self._schema(node))

    def _input(self, node: Node) -> Json:
        """Describe an input only if no run produces it; others are described as outputs."""
        return self._dataset(node, self._schema(node) if node.resource_type == "source" else {})

    def _dataset(self, node: Node, described: Json) -> Json:
        return {"namespace": self._warehouse, "name": node.relation_name, "facets": described}

    def query_of_snapshot(self, node: Node) -> str | None:
        """Return the query of a snapshot for which dbt has no SQL: it reads a whole relation.

        That is a snapshot defined in YAML, with its relation in `relation`.
        """
        taken = [self._artifacts.by_id.get(node_id) for node_id in node.depends_on]
        is_in_yaml = node.path.endswith((".yml", ".yaml"))
        if node.resource_type != "snapshot" or not is_in_yaml or len(taken) != 1:
            return None
        quote = _QUOTES.get(self._artifacts.dbt.adapter)
        if taken[0] is None or quote is None:
            return None
        parts = (taken[0].database, taken[0].schema_name, taken[0].identifier or taken[0].name)
        return "select * from " + ".".join(f"{quote}{part}{quote}" for part in parts if part)

    def _schema(self, node: Node) -> Json:
        fields = [self._field(column) for column in self._columns(node)]
        return {"schema": facets.schema(fields)} if fields else {}

    def knows_all_columns(self, node: Node) -> bool:
        """Return whether the columns of a node are known before it is built: those of a seed."""
        return bool(self._header(node))

    def _columns(self, node: Node) -> list[Column]:
        """Return the documented columns of a node; for a seed, all columns of its file."""
        documented = {column.name.lower(): column for column in node.columns}
        return [
            documented.get(name.lower(), Column(name=name)) for name in self._header(node)
        ] or list(node.columns)

    def _header(self, node: Node) -> list[str]:
        """Return the columns in a seed's file, [] if they differ from the documented ones."""
        project_dir = self._artifacts.project_dir
        if node.resource_type != "seed" or project_dir is None:
            return []
        file = file_in(project_dir, self._artifacts.dbt.package_folder(node.package), node.path)
        names = seed_columns(file) if file else []
        documented = {column.name.lower() for column in node.columns}
        return names if documented <= {name.lower() for name in names} else []

    def _field(self, column: Column) -> Json:
        named = {"name": column.name, "type": column.type or facets.UNKNOWN_TYPE}
        if not column.description:
            return named
        return named | {"description": self._redactor.text(column.description)}

    def _description(self, what: str, node: Node) -> Json:
        """Return the facets of a node's job or dataset; the product's owner owns it by default."""
        owners = list(node.owners) or list(filter(None, [self._artifacts.product.owner]))
        tags = dict.fromkeys(node.tags, "true") | ({"tier": node.tier} if node.tier else {})
        return facets.description(what, owners, tags, self._redactor.text(node.description))
