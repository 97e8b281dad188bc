"""Find out which orchestrators serve the products of a platform."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from floe_core import plugin_registry
from floe_core.compiler.checks.choices import choose_orchestrator
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import FLOE_FILE, Inputs, read_inputs
from floe_core.compiler.ports.products import Platform, placement, read_platform
from floe_core.compiler.settings import plugin_settings
from floe_core.foundation.errors import (
    EnvironmentProblemError,
    InvalidProductError,
    PluginError,
    UsageError,
)
from floe_core.plugin_api.powers import DevServer, UncompiledProduct
from floe_core.ports.published import PublishedProduct
from floe_core.schemas.artifacts_reader import COPY_MARK
from floe_core.schemas.manifest_yaml import Manifest
from floe_dev.product_files import ProductFiles, paths_outside

LOOK_SECONDS = 0.5
_LIBRARY = "dbt.cli.main"


def choose_for_platform(
    path: Path, on: str | None, place: Sequence[str], say: Callable[[str], None]
) -> list[Choice]:
    """Return a choice for each product that has its files here, producers first.

    A product is served by the orchestrator of `place` (`product=orchestrator`), else by `on`, else
    by that of its manifest. `say` is told which products are not served.

    Raises:
        InvalidProductError: The manifest is wrong. An error in a product is left to its compile.
        PluginError: A plugin can't serve a product, or does not load.
        UsageError: There is no manifest, or no product, or `place` names something unknown.
    """
    platform = read_platform(path)
    manifest = platform.manifest
    placed = placement(place, platform.products)
    found = [
        _Member(name, folder, placed.get(name) or on)
        for name, folder in _folders_here(platform, say)
    ]
    if not found:
        raise UsageError(f"{platform.path}: none of its `products` is a folder here with floe.yaml")
    usual = manifest.plugins.orchestrator.type
    names = {each.name: each.choose(usual) for each in found}
    servers = {name: dev_server(name, manifest) for name in sorted({*names.values()})}
    return [
        Choice(each.product, names[each.name], servers[names[each.name]])
        for each in _in_order(found)
    ]


def producers_of(folder: Path) -> frozenset[str]:
    """Return the products whose ports a product reads; none if its files are wrong."""
    inputs = _inputs_of(folder)
    ports = inputs.spec.input_ports if inputs is not None else ()
    return frozenset(port.product for port in ports if port.product is not None)


@dataclass(frozen=True, slots=True)
class _Member:
    """A product of a platform; `wanted` is the orchestrator that the command line names for it."""

    name: str
    folder: Path
    wanted: str | None

    @property
    def product(self) -> UncompiledProduct:
        inputs = _inputs_of(self.folder)
        return (
            uncompiled(self.folder, inputs) if inputs else UncompiledProduct(self.folder, self.name)
        )

    def choose(self, usual: str) -> str:
        """Return the orchestrator's name: `usual` if the product's own files are wrong."""
        inputs = _inputs_of(self.folder)
        if inputs is None:
            return self.wanted or usual
        findings = Findings(lambda notice: None)
        name = choose_orchestrator(inputs, self.wanted, findings)
        findings.raise_if_any()
        return name


def _inputs_of(folder: Path) -> Inputs | None:
    findings = Findings(lambda notice: None)
    try:
        inputs = read_inputs(folder, findings)
        findings.raise_if_any()
    except InvalidProductError:
        return None
    return inputs


def _folders_here(platform: Platform, say: Callable[[str], None]) -> Iterator[tuple[str, Path]]:
    for name, place in platform.manifest.products.items():
        try:
            published = PublishedProduct(place, platform.path.parent)
        except EnvironmentProblemError as error:
            say(f"{name} is not served: {error}")
            continue
        if published.is_url or not (published.folder / FLOE_FILE).is_file():
            say(f"{name} is not served: {published.place} is not a folder with floe.yaml")
        else:
            yield name, published.folder


def _in_order(members: Sequence[_Member]) -> list[_Member]:
    """Return them with producers first; as given if they form a cycle, which compiling reports."""
    by_name = {each.name: each for each in members}
    reads: Mapping[str, frozenset[str]] = {
        name: producers_of(each.folder) & by_name.keys() for name, each in by_name.items()
    }
    try:
        return [by_name[name] for name in TopologicalSorter(reads).static_order()]
    except CycleError:
        return list(members)


@dataclass(frozen=True, slots=True)
class Choice:
    """A product, and the orchestrator that serves it: its name and its plugin."""

    product: UncompiledProduct
    orchestrator: str
    server: DevServer


def await_choice(
    folder: Path, choose: Callable[[], list[Choice]], say_error: Callable[[str, str], None]
) -> list[Choice]:
    """Return what `choose` returns, once the files below a folder are right.

    Raises:
        FloeError: What `choose` raises, except for errors in these files.
    """
    files = ProductFiles(folder)
    while True:
        files.outside = paths_outside(folder)
        before = files.snapshot()
        try:
            return choose()
        except InvalidProductError as error:
            say_error("waiting for a change of what is wrong:", str(error))
        while files.snapshot() == before:
            time.sleep(LOOK_SECONDS)


def choose_for_product(folder: Path, on: str | None) -> list[Choice]:
    """Return the choice for one product.

    Raises:
        InvalidProductError: Its files are wrong.
        PluginError: The plugin can't serve a product, or does not load.
        UsageError: The folder is no product, or a copy that `floe compile --out` made.
    """
    if (folder / COPY_MARK).exists():
        raise UsageError(f"{folder} is a copy; run `floe dev` in the folder that it was made of")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    findings = Findings(lambda notice: None)
    inputs = read_inputs(folder, findings)
    name = choose_orchestrator(inputs, on, findings)
    findings.raise_if_any()
    return [Choice(uncompiled(folder, inputs), name, dev_server(name, inputs.manifest))]


def uncompiled(folder: Path, inputs: Inputs) -> UncompiledProduct:
    """Return a product as it is before its compile."""
    imports = () if inputs.spec.execution.dbt_executable else (_LIBRARY,)
    return UncompiledProduct(folder, inputs.spec.metadata.name, imports)


def dev_server(name: str, manifest: Manifest) -> DevServer:
    """Return the plugin of an orchestrator, with the manifest's settings.

    Raises:
        PluginError: The plugin can't serve a product, or does not load.
    """
    plugin = plugin_registry.load(name, plugin_settings(manifest))
    if not isinstance(plugin, DevServer):
        raise PluginError(
            f"the plugin '{name}' has no local orchestrator that `floe dev` can start"
        )
    return plugin
