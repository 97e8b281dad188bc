"""The orchestrators of a platform, and how to reach each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from floe_console.live_product import is_managed, on_orchestrator, orchestrators_of
from floe_core.compiler.settings import plugin_settings
from floe_core.foundation.errors import PluginError
from floe_core.foundation.service_probe import without_secrets
from floe_core.plugin_api.run_history import RunHistory
from floe_core.plugin_registry import load
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.manifest_yaml import Manifest


@dataclass(frozen=True, slots=True)
class Place:
    """An orchestrator with some products. `name` tells it from others, `url` is shown to people.

    `history` is None if its runs cannot be read, and then `problem` says why.
    """

    name: str
    orchestrator: str
    products: tuple[CompiledArtifacts, ...]
    history: RunHistory | None = field(default=None, repr=False)
    problem: str = ""
    url: str = ""


def places_of(
    products: Sequence[CompiledArtifacts], manifests: Sequence[Manifest]
) -> tuple[Place, ...]:
    """Return the orchestrators of these products, each reached as one of the manifests says.

    A product is on the one that it is compiled for, and on those that own a job of it.

    What a product itself says of access is only compared: a product may name any address, and any
    variable of the reader.
    """
    groups: dict[tuple[str, str], list[CompiledArtifacts]] = {}
    chosen: dict[tuple[str, str], tuple[Manifest | None, str]] = {}
    for product in (each for one in products for each in _on_each(one)):
        manifest, problem = _choose(product, manifests)
        settings = plugin_settings(manifest) if manifest else {}
        key = product.orchestrator.name, json.dumps(settings, sort_keys=True, default=str) + problem
        groups.setdefault(key, []).append(product)
        chosen[key] = manifest, problem
    names = _names([orchestrator for orchestrator, _ in groups])
    return tuple(
        _place(name, key[0], tuple(group), *chosen[key])
        for name, (key, group) in zip(names, groups.items(), strict=True)
    )


def _on_each(product: CompiledArtifacts) -> Iterator[CompiledArtifacts]:
    """Yield a product for each orchestrator that it is on."""
    yield product
    for name in orchestrators_of(product):
        if name != product.orchestrator.name and is_managed(name):
            yield on_orchestrator(product, name)


def _choose(
    product: CompiledArtifacts, manifests: Sequence[Manifest]
) -> tuple[Manifest | None, str]:
    """Return the manifest that says how to reach a product's orchestrator, and why none does."""
    name, url = product.orchestrator.name, product.orchestrator.config.get("url")
    of_type = [each for each in manifests if each.plugins.orchestrator.type == name]
    same = [each for each in of_type if each.plugins.orchestrator.config.get("url") == url]
    if same or len(of_type) == 1:
        return (same or of_type)[0], ""
    if of_type:
        return None, f"several manifests say where {name} is, and none has the url of this product"
    return None, f"no manifest here says where {name} is: name one that does with --access"


def _place(
    name: str,
    orchestrator: str,
    products: tuple[CompiledArtifacts, ...],
    manifest: Manifest | None,
    problem: str,
) -> Place:
    if manifest is None:
        return Place(name, orchestrator, products, problem=problem)
    settings: Mapping[str, Any] = plugin_settings(manifest)
    url = without_secrets(str(settings.get("url") or ""))
    try:
        plugin = load(orchestrator, settings)
    except PluginError as error:
        return Place(name, orchestrator, products, problem=str(error), url=url)
    if not isinstance(plugin, RunHistory):
        told = f"the plugin for {orchestrator} cannot list runs"
        return Place(name, orchestrator, products, problem=told, url=url)
    return Place(name, orchestrator, products, plugin, url=url)


def _names(orchestrators: Sequence[str]) -> Iterator[str]:
    """Yield a name for each place: the orchestrator's, with a number from the second one on.

    >>> [*_names(["dagster", "airflow", "dagster"])]
    ['dagster', 'airflow', 'dagster-2']
    """
    seen: dict[str, int] = {}
    for each in orchestrators:
        seen[each] = seen.get(each, 0) + 1
        yield each if seen[each] == 1 else f"{each}-{seen[each]}"
