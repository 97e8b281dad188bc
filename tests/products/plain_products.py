"""Small products, written into a folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from plain_shop import FLOE, MANIFEST

DBT_PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"

# An orchestrator of the tests' own: these are about core, and need no other.
PLAIN_PLUGIN = """
from floe_core.plugin_interfaces import OrchestratorPlugin, ResourceSpec, ValidationResult
from floe_core.plugin_api.powers import EntryPointFile

class Plugin(OrchestratorPlugin):
    name, version, floe_api_version = "plain", "1.0.0", "1.0"

    def create_definitions(self, artifacts): return list(artifacts.nodes)
    def create_assets_from_transforms(self, transforms): return list(transforms)
    def get_helm_values(self): return {}
    def validate_connection(self): return ValidationResult(True)
    def get_resource_requirements(self, workload_size): return ResourceSpec("1", "1", "1Gi", "1Gi")
    def emit_lineage_event(self, event_type, job, inputs, outputs): return None
    def schedule_job(self, job_name, cron, timezone): return None
    def update_watcher(self, artifacts, job_name): return f"{job_name} on paper"
    def pool_of_nodes(self, pool): return f"{pool} on paper"
    def entry_point_file(self, product_name):
        return EntryPointFile("plain_entry.py", f"PRODUCT = {product_name!r}\\n")
"""

WriteProduct = Callable[..., Path]


@pytest.fixture(scope="session")
def plain_site() -> Iterator[Path]:
    """Return a site folder with the orchestrator `plain`, which everyone may read."""
    site = Path(tempfile.mkdtemp(prefix="floe-plain-site-"))
    (site / "plain_plugin.py").write_text(PLAIN_PLUGIN)
    info = site / "plain_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plain-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[floe.orchestrators]\nplain = plain_plugin:Plugin\n")
    site.chmod(0o755)
    yield site
    shutil.rmtree(site)


@pytest.fixture(autouse=True)
def plain_orchestrator(plain_site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the orchestrator `plain`."""
    monkeypatch.syspath_prepend(str(plain_site))


@pytest.fixture
def write_product(tmp_path: Path) -> WriteProduct:
    """Return a function that writes a product: its three files, and models by name."""

    def write(
        folder: str = "product",
        floe: str = FLOE,
        manifest: str = MANIFEST,
        dbt_project: str = DBT_PROJECT,
        **models: str,
    ) -> Path:
        root = tmp_path / folder
        (root / "models").mkdir(parents=True)
        (root / "floe.yaml").write_text(floe)
        (root / "manifest.yaml").write_text(manifest)
        (root / "dbt_project.yml").write_text(dbt_project)
        for name, sql in (models or {"first": "select 1 as id"}).items():
            (root / "models" / f"{name}.sql").write_text(sql)
        return root

    return write
