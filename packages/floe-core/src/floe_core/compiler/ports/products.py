"""Read the published products of a platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import FLOE_FILE, MANIFEST_FILE, manifest_data, read_inputs
from floe_core.foundation.errors import EnvironmentProblemError, StaleProductError, UsageError
from floe_core.foundation.service_probe import read_in_threads
from floe_core.ports.published import PublishedProduct
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.manifest_yaml import Manifest
from floe_core.schemas.reading import validate
from floe_core.user_yaml.source_map import read_document


@dataclass(frozen=True)
class Platform:
    """A manifest, and the products published at the places that it names.

    `products` maps a product to its last publication, None if there is none; `problems` maps it to
    the reason why it cannot be read.
    """

    manifest: Manifest
    path: Path
    products: dict[str, CompiledArtifacts | None]
    problems: dict[str, str]


def read_platform(path: Path) -> Platform:
    """Return a platform, given its manifest or the folder of the manifest or of a product.

    Raises:
        UsageError: There is no manifest.
        InvalidProductError: The manifest, or the floe.yaml that names it, is wrong.
    """
    file = manifest_of(path)
    document = read_document(file, file.name)
    data = manifest_data(document, Findings(lambda notice: None))
    manifest = validate(document, Manifest, data)
    read = partial(_read_product, manifest, file.parent)
    # What a variable names may be a URL.
    are_remote = any("://" in place or "{{" in place for place in manifest.products.values())
    results = (
        read_in_threads(read, manifest.products) if are_remote else map(read, manifest.products)
    )
    found = dict(zip(manifest.products, results, strict=True))
    problems = {name: problem for name, (_, problem) in found.items() if problem}
    products = {name: product for name, (product, _) in found.items()}
    return Platform(manifest, file, products, problems)


def _read_product(
    manifest: Manifest, base: Path, name: str
) -> tuple[CompiledArtifacts | None, str]:
    """Return a product's last publication, and why it cannot be read, "" if it can."""
    try:
        published = PublishedProduct(manifest.products[name], base)
        product = published.read()
        if product is not None and product.product.name != name:
            return None, f"{published.place} holds the product '{product.product.name}'"
        return product, ""
    except StaleProductError as error:
        return None, error.problems[0].what
    except EnvironmentProblemError as error:
        return None, str(error)


@dataclass(frozen=True)
class Consumers:
    """The products that may read a product's ports.

    `unread` maps those whose publication cannot be read to the reason: what they read is not known.
    """

    published: tuple[CompiledArtifacts, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)

    def notes(self) -> Iterator[str]:
        """Yield a sentence for each product that was not read."""
        for name, why in sorted(self.unread.items()):
            yield f"product '{name}' was not checked, it may read the ports: {why}"


def consumers_of(name: str, folder: Path, manifest: Path | None) -> Consumers:
    """Return the products that may read the ports of a product of this name.

    They are those of `manifest`, or else of the manifest that the product's folder names; none if
    the folder holds no product.
    """
    if manifest is None and not (folder / FLOE_FILE).is_file():
        return Consumers()
    platform = read_platform(manifest or folder)
    others = {key: each for key, each in platform.products.items() if key != name}
    return Consumers(
        tuple(each for each in others.values() if each is not None),
        {
            key: platform.problems.get(key, "it is not published")
            for key, each in others.items()
            if each is None
        },
    )


def is_platform(path: Path) -> bool:
    """Return whether a path is a manifest, or a folder with a manifest but no product."""
    return path.is_file() or (not (path / FLOE_FILE).exists() and (path / MANIFEST_FILE).is_file())


def placement(given: Sequence[str], products: Iterable[str]) -> dict[str, str]:
    """Return product -> orchestrator, of texts such as `crm=airflow`.

    Raises:
        UsageError: A text names an unknown product, or no orchestrator.
    """
    known = list(products)
    return dict(_pair(text, known) for text in given)


def _pair(text: str, products: Sequence[str]) -> tuple[str, str]:
    name, _, runner = text.partition("=")
    if name not in products:
        near = get_close_matches(name, products, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"products are {', '.join(products)}"
        raise UsageError(f"--place {text}: there is no product '{name}'; {hint}")
    if not runner:
        raise UsageError(f"--place {text}: name an orchestrator as well, as in {name}=airflow")
    return name, runner


def manifest_of(path: Path) -> Path:
    """Return the manifest at a path: a file, or that of a folder or of the product in it.

    Raises:
        UsageError: There is none.
    """
    if (path / FLOE_FILE).is_file():
        return read_inputs(path.absolute(), Findings(lambda notice: None)).manifest_document.path
    file = path / MANIFEST_FILE if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file; name a manifest.yaml, or its folder")
    return file
