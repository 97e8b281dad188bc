"""The ports that a product reads, as their producers have published them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.environments import in_environment
from floe_core.schemas.floe_yaml import InputPortSpec
from floe_core.schemas.nodes import Node
from floe_core.schemas.ports import Port


@dataclass(frozen=True)
class Upstream:
    """A port that the product reads: its entry in floe.yaml, and who offers it.

    `producer` and `port` are None for one that is not published, where that is allowed.
    """

    index: int
    spec: InputPortSpec
    producer: CompiledArtifacts | None = None
    port: Port | None = None

    @property
    def node(self) -> Node | None:
        """The node that builds the port, in the producer's graph."""
        if self.producer is None or self.port is None:
            return None
        return self.producer.by_id[self.port.node_id]

    @property
    def own_id(self) -> str:
        """The id that dbt gives the relation in this product."""
        if self.node is None or self.producer is None:
            return ""
        version = f".v{self.node.version}" if self.node.version else ""
        return f"model.{self.producer.dbt.project_name}.{self.node.name}{version}"


@dataclass(frozen=True)
class UpstreamPorts:
    """The ports that a product reads; `stand_ins` are (project, model) of those not published."""

    ports: tuple[Upstream, ...] = ()
    stand_ins: tuple[tuple[str, str], ...] = field(default=())

    def known_columns(self) -> dict[str, tuple[str, ...]]:
        """Return id in this product -> columns, for the ports all of whose columns are known."""
        return {
            each.own_id: tuple(column.name for column in each.port.columns)
            for each in self.ports
            if each.port is not None and each.port.is_complete
        }

    def for_dbt(self, environment: str = "") -> str:
        """Return the text of the file from which floe's plugin of dbt makes models.

        An environment of the same name has the producer's relations in it, if it has one.
        """
        models = {each.own_id: _model(each, environment) for each in self.ports if each.node}
        _mark_latest(list(models.values()))
        for project, name in self.stand_ins:
            stand_in = {"package_name": project, "name": name, "identifier": name}
            models[f"model.{project}.{name}"] = {**stand_in, "schema": project}
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
    return model


def _mark_latest(models: Sequence[dict[str, Any]]) -> None:
    """Say which version a ref without one means: the newest that the product reads."""
    for model in models:
        if "version" in model:
            name = (model["package_name"], model["name"])
            same = [m["version"] for m in models if (m["package_name"], m["name"]) == name]
            model["latest_version"] = max(same, key=_sortable)


def _number(version: str) -> int | str:
    return int(version) if version.isdecimal() else version


def _sortable(version: int | str) -> tuple[int, int, str]:
    return (1, version, "") if isinstance(version, int) else (0, 0, version)
