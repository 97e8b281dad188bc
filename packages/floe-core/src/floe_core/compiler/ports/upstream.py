"""The ports that a product reads, as their producers have published them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ruamel.yaml import YAML

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.environments import in_environment
from floe_core.schemas.floe_yaml import FloeSpec, InputPortSpec
from floe_core.schemas.nodes import Node
from floe_core.schemas.ports import Port, PortColumn, port_key, short_port_name
from floe_core.sql.names import unquote
from floe_core.storage.environment_choice import ENVIRONMENT_VARIABLE


@dataclass(frozen=True)
class Upstream:
    """A port that the product reads: its entry in floe.yaml, and its producer.

    `producer` and `port` are None for an unpublished port, if that is allowed. `source_id` is the
    id of the dbt source by which the product reads it, "" if it reads it by `ref()`.
    """

    index: int
    spec: InputPortSpec
    producer: CompiledArtifacts | None = None
    port: Port | None = None
    source_id: str = ""

    @property
    def node(self) -> Node | None:
        """The node that builds the port, in the producer's graph."""
        if self.producer is None or self.port is None:
            return None
        return self.producer.by_id[self.port.node_id]

    @property
    def own_id(self) -> str:
        """The id that dbt gives the relation in this product."""
        if self.source_id or self.node is None or self.producer is None:
            return self.source_id
        version = f".v{self.node.version}" if self.node.version else ""
        return f"model.{self.producer.dbt.project_name}.{self.node.name}{version}"

    @property
    def names(self) -> tuple[str, ...]:
        """The names that steps may use for it: `product.port`, its key, and its dbt source."""
        version = self.port.version if self.port else str(self.spec.version or 1)
        key = port_key(str(self.spec.product), str(self.spec.port), version)
        return short_port_name(key), key, self.source_name

    def column(self, name: str) -> PortColumn | None:
        """Return the port's column that floe.yaml names, as it is or in any case; None for none."""
        columns = self.port.columns if self.port else ()
        exact = (each for each in columns if each.is_quoted and each.name == unquote(name))
        return next(exact, None) or next((e for e in columns if e.key == name.lower()), None)

    def is_read_by_steps(self, spec: FloeSpec) -> bool:
        """Return whether a step of floe.yaml reads it."""
        return any(name in self.names for step in spec.steps for name in step.reads)

    @property
    def source_name(self) -> str:
        """The name of the relation as a dbt source: project and model, as in `source()`."""
        if self.node is None or self.producer is None:
            return ""
        version = f"_v{self.node.version}" if self.node.version else ""
        return f"{self.producer.dbt.project_name}.{self.node.name}{version}"


@dataclass(frozen=True)
class UpstreamPorts:
    """The ports that a product reads.

    `stand_ins` are (project, model, version or "") of unpublished ones.
    """

    ports: tuple[Upstream, ...] = ()
    stand_ins: tuple[tuple[str, str, str], ...] = field(default=())

    def known_columns(self) -> dict[str, tuple[str, ...]]:
        """Return id in this product -> keys of columns, for the ports where all are known."""
        return {
            each.own_id: tuple(column.key for column in each.port.columns)
            for each in self.ports
            if each.port is not None and each.port.is_complete
        }

    def read_in(self, nodes: Sequence[Node], project: str) -> UpstreamPorts:
        """Return the ports with the way a dbt project's nodes read them: `ref()` or sources."""
        read = {parent for node in nodes for parent in node.depends_on}
        ids = {node.unique_id for node in nodes}
        found = []
        for each in self.ports:
            source = f"source.{project}.{each.source_name}"
            is_source = each.node is not None and source in ids
            by_ref = each.own_id in read or (each.own_id in ids and source not in read)
            found.append(replace(each, source_id=source) if is_source and not by_ref else each)
        return replace(self, ports=tuple(found))

    def as_sources(self, environments: Iterable[str] = ()) -> str:
        """Return the ports as a dbt properties file, with a source for each schema of a producer.

        FLOE_ENV chooses among these environments when dbt reads the file.
        """
        sources: dict[tuple[str, ...], dict[str, Any]] = {}
        for each in sorted(self.ports, key=lambda port: port.source_name):
            if each.node is None:
                continue
            database, schema, identifier = (
                _in_environments(each, key, environments)
                for key in ("database", "schema", "identifier")
            )
            place = {"database": database, "schema": schema}
            place = {key: text for key, text in place.items() if text}
            name, table = each.source_name.split(".", 1)
            source = sources.setdefault(
                (name, *place.values()), {"name": name, **place, "tables": []}
            )
            columns = [_as_column(column) for column in each.port.columns] if each.port else []
            source["tables"].append({"name": table, "identifier": identifier, "columns": columns})
        text = io.StringIO()
        YAML(typ="safe", pure=True).dump({"version": 2, "sources": list(sources.values())}, text)
        return text.getvalue()

    def for_dbt(self, environment: str = "") -> str:
        """Return the text of the file from which floe's dbt plugin creates models.

        If the producer has an environment of the same name, its relations there are used.
        """
        models = {each.own_id: _model(each, environment) for each in self.ports if each.node}
        for project, name, version in self.stand_ins:
            stand_in = {"package_name": project, "name": name, "identifier": name}
            versioned = {"version": _number(version), "latest_version": _number(version)}
            own_id = f"model.{project}.{name}" + (f".v{version}" if version else "")
            models[own_id] = {**stand_in, "schema": project, **(versioned if version else {})}
        _mark_latest(list(models.values()))
        return json.dumps({"models": [models[key] for key in sorted(models)]}, sort_keys=True)


def _model(upstream: Upstream, environment: str) -> dict[str, Any]:
    assert upstream.producer is not None
    assert upstream.port is not None
    producer = upstream.producer
    if environment in producer.environments:
        producer = in_environment(producer, environment)
    node = producer.by_id[upstream.port.node_id]
    model: dict[str, Any] = {
        "package_name": producer.dbt.project_name,
        "name": node.name,
        "identifier": node.identifier or node.name,
        "schema": node.schema_name,
        "database": node.database or None,
    }
    if node.version:
        model["version"] = _number(node.version)
        model["latest_version"] = _number(node.latest_version or node.version)
    return model


def _as_column(column: PortColumn) -> dict[str, Any]:
    return {"name": column.name, **({"quote": True} if column.is_quoted else {})}


def _in_environments(upstream: Upstream, key: str, environments: Iterable[str]) -> str:
    """Return a part of the relation's name, as a Jinja expression if environments differ."""
    own = str(_model(upstream, "")[key] or "")
    others = {name: str(_model(upstream, name)[key] or "") for name in environments}
    differing = {name: text for name, text in sorted(others.items()) if text != own}
    if not differing:
        return own
    variable = f"env_var('{ENVIRONMENT_VARIABLE}', '')"
    branches = "{% elif ".join(
        f"{variable} == '{name}' %}}{text}" for name, text in differing.items()
    )
    return f"{{% if {branches}{{% else %}}{own}{{% endif %}}"


def _mark_latest(models: Sequence[dict[str, Any]]) -> None:
    """Mark the version that a ref without one means.

    It is the producer's latest version, or the newest that the product reads if it does not read
    that one.
    """
    for model in models:
        if "version" in model:
            name = (model["package_name"], model["name"])
            same = [m["version"] for m in models if (m["package_name"], m["name"]) == name]
            if model["latest_version"] not in same:
                model["latest_version"] = max(same, key=_sortable)


def _number(version: str) -> int | str:
    return int(version) if version.isdecimal() else version


def _sortable(version: int | str) -> tuple[int, int, str]:
    return (1, version, "") if isinstance(version, int) else (0, 0, version)
