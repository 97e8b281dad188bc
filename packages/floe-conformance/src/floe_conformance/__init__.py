"""Checks that the tests of every floe orchestrator plugin inherit."""

from importlib.metadata import version

import pytest

# Must precede the import of the checks: their failures then show both sides of a comparison.
pytest.register_assert_rewrite("floe_conformance.checks")

from floe_conformance.orchestrator_conformance import OrchestratorConformance  # noqa: E402
from floe_conformance.records import (  # noqa: E402
    LoadedJob,
    LoadedProduct,
    LoadedTransform,
    RanProduct,
    Ticks,
)
from floe_conformance.subject import SECRET_VARIABLE  # noqa: E402

__version__ = version("floe-orchestration-conformance")
__all__ = [
    "SECRET_VARIABLE",
    "LoadedJob",
    "LoadedProduct",
    "LoadedTransform",
    "OrchestratorConformance",
    "RanProduct",
    "Ticks",
]
