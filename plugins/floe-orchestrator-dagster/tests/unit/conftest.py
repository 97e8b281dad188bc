from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from small_artifacts import small_node, small_product

from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice
from floe_core.schemas.nodes import Node

MakeNode = Callable[..., Node]
MakeProduct = Callable[..., CompiledArtifacts]


@pytest.fixture
def node() -> MakeNode:
    """Return a maker of nodes: see `small_node`."""
    return small_node


@pytest.fixture
def product() -> MakeProduct:
    """Return a maker of artifacts without a folder: see `small_product`."""
    choice = OrchestratorChoice(name="dagster")
    return partial(small_product, name="web-shop", orchestrator=choice)
