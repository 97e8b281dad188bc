"""Publish a compiled product at the place that the manifest names."""

from __future__ import annotations

from contextlib import suppress

from floe_core.compiler.compile_product import CompiledProduct
from floe_core.compiler.inputs import Inputs
from floe_core.foundation.errors import InvalidProductError, StaleProductError, UsageError
from floe_core.ports.published import PublishedProduct


def place_of_product(inputs: Inputs) -> PublishedProduct:
    """Return where a product is published.

    Raises:
        UsageError: The manifest names no place for the product.
        InvalidProductError: Another product is published there.
        EnvironmentProblemError: The place cannot be read.
    """
    name = inputs.spec.metadata.name
    if name not in inputs.manifest.products:
        shown = inputs.manifest_document.shown_as
        what = (
            f"{shown} says nowhere where '{name}' is published; add `products: {{{name}: PLACE}}`"
        )
        raise UsageError(what)
    folder = inputs.manifest_document.path.parent
    place = PublishedProduct(inputs.manifest.products[name], folder)
    _refuse_other_product(place, inputs)
    return place


def _refuse_other_product(place: PublishedProduct, inputs: Inputs) -> None:
    """Raise an error if another product would be overwritten."""
    name = inputs.spec.metadata.name
    found = None
    # What is damaged may be replaced.
    with suppress(StaleProductError):
        found = place.read()
    if found is not None and found.product.name != name:
        what = f"'{name}' would replace the product '{found.product.name}' in {place.place}"
        fix = f"give '{name}' a place of its own, or remove the old product there"
        at = ("products", name)
        raise InvalidProductError([inputs.manifest_document.problem(at, what, fix)])


def publish_to(place: PublishedProduct, compiled: CompiledProduct) -> list[str]:
    """Publish a product that has been written; return the files.

    If it is published in its own folder, the files are already there.
    """
    if place.folder == compiled.destination:
        return [str(place.folder)]
    return [f"{place.place}/{name}" for name in place.publish(compiled.artifacts)]
