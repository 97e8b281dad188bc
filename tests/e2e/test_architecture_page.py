"""ARCHITECTURE.md names what is there: every module and every room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.quick

ROOT = Path(__file__).parents[2]
CORE = ROOT / "packages" / "floe-core" / "src" / "floe_core"
PLUGINS = sorted(ROOT.glob("plugins/*/src/*"))
PAGE = (ROOT / "ARCHITECTURE.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w./-]+(?:\.py|/))`", PAGE)))
ROOMS = {
    "floe_orchestrator_airflow": "dag task mirrors names alerts ticks service local cluster",
    "floe_orchestrator_dagster": "definitions step translator names alerts ticks service local cluster",
    "floe_orchestrator_prefect": "flow task names alerts ticks service local cluster",
}


@pytest.mark.parametrize("name", NAMED)
def test_what_it_names_is_there(name: str) -> None:
    if name.startswith(("docs/", "packages/", "plugins/", "scripts/", "tests/")):
        assert (ROOT / name).exists()
    elif name.startswith("floe_core/"):
        assert (CORE.parent / name).exists()
    else:
        found = [*CORE.rglob(name.rstrip("/")), *(p / name for p in PLUGINS if (p / name).exists())]
        assert found


def test_every_plugin_has_the_rooms_that_it_names() -> None:
    assert [plugin.name for plugin in PLUGINS] == sorted(ROOMS)
    for plugin in PLUGINS:
        # A room of one module is that module.
        named = set(ROOMS[plugin.name].split())
        folders = {path.name for path in plugin.iterdir() if (path / "__init__.py").exists()}
        assert folders <= named <= folders | {path.stem for path in plugin.glob("*.py")}
        assert max(len(list((plugin / room).glob("*.py"))) for room in folders) <= 17
