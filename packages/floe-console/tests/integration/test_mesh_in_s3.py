"""A mesh whose products and ledger are in S3 has the state that it has in folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mesh_products import PRODUCTS, Mesh
from s3_server import BUCKET, App, S3Server, answered, s3_server

from floe_console.mesh import Mesh as State
from floe_console.mesh import read_mesh
from floe_core.compiler.compile_product import prepare_product
from floe_core.compiler.ports.products import read_platform
from floe_core.compiler.publication import place_of_product, publish_to
from floe_core.ports.ledger import ledger_of
from floe_core.ports.record import Update
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


def published(mesh: Mesh, place: str) -> State:
    """Publish the products below a place, let both producers update, and return the state."""
    for product in PRODUCTS:
        file = mesh.folder / f"manifest-{product}.yaml"
        places = ", ".join(f"{each}: '{place}/{each}'" for each in PRODUCTS)
        lines = file.read_text().splitlines()[:-2]
        lines += [f"products: {{{places}}}", f"ledger: '{place}/ledger'", ""]
        file.write_text("\n".join(lines))
    for product in PRODUCTS:
        compiled = prepare_product(mesh.folder / product)
        compiled.write()
        publish_to(place_of_product(compiled.inputs), compiled)
        artifacts = CompiledArtifacts.load(mesh.folder / product)
        ledger = ledger_of(artifacts)
        assert ledger is not None
        names = [port.key_in(product).partition("/")[2] for port in artifacts.ports]
        ledger.add_updates(product, names, Update(number=0, moment=NOW, run_id="r"))
    return read_mesh(read_platform(mesh.folder / "crm"), LATER)


def without_epochs(state: State) -> str:
    """The state as text; each ledger draws an epoch of its own."""
    text = str(state)
    epochs = set(re.findall(r"epoch='(\w+)'", text))
    assert len(epochs) == 2  # one for each producer
    for epoch in epochs:
        text = text.replace(epoch, "")
    return text


def test_it_is_as_in_folders(tmp_path: Path, server: S3Server) -> None:
    (tmp_path / "published" / "ledger").mkdir(parents=True)
    in_folders = published(Mesh(tmp_path / "a"), str(tmp_path / "published"))
    in_s3 = published(Mesh(tmp_path / "b"), f"s3://{BUCKET}/published")
    assert without_epochs(in_s3) == without_epochs(in_folders)
    [job] = next(each.jobs for each in in_s3.products if each.name == "marts")
    assert job.is_due


def test_a_product_that_cannot_be_read_is_a_problem_of_its_own(
    tmp_path: Path, server: S3Server
) -> None:
    place = f"s3://{BUCKET}/guarded"
    whole = published(Mesh(tmp_path), place)

    refused = answered("403 Forbidden", "AccessDenied")

    def refuse(request: dict[str, Any], start: Callable[..., Any], app: App) -> Any:
        is_guarded = "/guarded/billing" in request["PATH_INFO"]
        return refused(request, start, app) if is_guarded else app(request, start)

    server.fault = refuse
    states = {
        each.name: each for each in read_mesh(read_platform(tmp_path / "crm"), LATER).products
    }
    expected = {each.name: each for each in whole.products}
    assert states["billing"].problem == (
        f"{place}/billing: it cannot be read (PermissionError: Forbidden)"
    )
    assert states["crm"] == expected["crm"]
    assert replace(states["marts"], jobs=()) == replace(expected["marts"], jobs=())
