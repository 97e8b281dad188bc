"""What an orchestrator can't express is refused, unless it is waived."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from plain_shop import FLOE

from floe_core import plugin_registry
from floe_core.compiler import compile_product
from floe_core.compiler.compile_product import prepare_product
from floe_core.foundation.errors import InvalidProductError
from floe_core.plugin_api.concepts import product_concepts
from floe_core.plugin_api.powers import Concept
from floe_core.plugin_interfaces import OrchestratorPlugin
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

WriteProduct = Callable[..., Path]
POOL = "execution: {pool: warehouse}\n"


def concepts(plugin: OrchestratorPlugin, artifacts: CompiledArtifacts) -> list[Concept]:
    return [
        Concept(name, here, "nothing", "there are no pools" if name == "pool" and here else "")
        for name, here in product_concepts(artifacts).items()
    ]


@pytest.fixture
def lossy(write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give these tests an orchestrator without pools."""
    plain = type(plugin_registry.load("plain", {}))
    without_pools = type("WithoutPools", (plain,), {"concepts": concepts})
    monkeypatch.setattr(plugin_registry, "load", lambda name, config: without_pools())


@pytest.mark.usefixtures("lossy")
def test_a_loss_is_refused_and_says_how_to_accept_it(write_product: WriteProduct) -> None:
    folder = write_product(floe=FLOE + POOL, a="select 1 as id")
    with pytest.raises(InvalidProductError) as refused:
        compile_product(folder)
    assert "plain can't express this product's pool: there are no pools" in str(refused.value)
    assert 'fix: change it, or accept the loss with `waivers: ["pool"]` in floe.yaml' in str(
        refused.value
    )
    assert not (folder / "compiled_artifacts.json").exists()
    assert prepare_product(folder, refuses_losses=False).artifacts.execution.pool == "warehouse"


@pytest.mark.usefixtures("lossy")
def test_a_waived_loss_is_told_and_compiles(write_product: WriteProduct) -> None:
    folder = write_product(floe=FLOE + POOL + "waivers: [pool]\n", a="select 1 as id")
    told: list[str] = []
    compile_product(folder, on_notice=told.append)
    assert "waived on plain: pool: there are no pools" in told


def test_a_waiver_of_no_concept_is_refused(write_product: WriteProduct) -> None:
    folder = write_product(floe=FLOE + "waivers: [pools]\n", a="select 1 as id")
    with pytest.raises(InvalidProductError, match=r"floe\.yaml:5:11: waivers: there is no concept"):
        compile_product(folder)
