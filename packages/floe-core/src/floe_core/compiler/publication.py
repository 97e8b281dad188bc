"""Publish a compiled product at the place that the manifest names."""

from __future__ import annotations

from floe_core.compiler.compile_product import CompiledProduct
from floe_core.compiler.inputs import Inputs
from floe_core.errors import UsageError
from floe_core.ports.published import PublishedProduct


def place_of_product(inputs: Inputs) -> PublishedProduct:
    """Return where a product is published.

    Raises:
        UsageError: The manifest names no place for the product.
    """
    name = inputs.spec.metadata.name
    if name not in inputs.manifest.products:
        shown = inputs.manifest_document.shown_as
        what = (
            f"{shown} says nowhere where '{name}' is published; add `products: {{{name}: PLACE}}`"
        )
        raise UsageError(what)
    folder = inputs.manifest_document.path.parent
    return PublishedProduct(inputs.manifest.products[name], folder)


def publish_to(place: PublishedProduct, compiled: CompiledProduct) -> list[str]:
    """Publish a product that has been written; return the files.

    If it is published in its own folder, the files are already there.
    """
    if place.folder == compiled.destination:
        return [str(place.folder)]
    return [f"{place.place}/{name}" for name in place.publish(compiled.artifacts)]
