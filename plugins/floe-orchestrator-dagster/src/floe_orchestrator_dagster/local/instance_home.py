"""The folder, beside the product, of the Dagster instance that records runs of `floe run`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from floe_core.plugin_api.powers import UncompiledProduct
from floe_core.storage.files import write_together
from floe_core.storage.state_folder import state_folder
from floe_orchestrator_dagster.names.dagster_names import FILENAME

WORKSPACE = "workspace.yaml"

_DAGSTER_YAML = """\
# Where `floe run` keeps its runs. Yours to change; floe writes it only when it is missing.
telemetry:
  enabled: false
nux:
  enabled: false
# Runs of one product wait in the queue for each other, where they need no process.
concurrency:
  runs:
    tag_concurrency_limits:
      - key: floe/product
        value: {applyLimitPerUniqueValue: true}
        limit: 1
"""


# A code location that `dagster dev -f` loads is named after the file.
_WORKSPACE_YAML = """\
# What Dagster's pages load: products, under their names. `floe run` and `floe dev` write this.
load_from:
"""
_LOCATION = """\
  - python_file:
      relative_path: {file}
      working_directory: {folder}
      location_name: {product}
"""


def instance_home(project_dir: Path, product: str) -> Path:
    """Return the folder to use as DAGSTER_HOME for a product. See `home_of_products`.

    Raises:
        EnvironmentProblemError: The folder cannot be written.
    """
    return home_of_products(project_dir, [UncompiledProduct(project_dir, product)])


def home_of_products(folder: Path, products: Sequence[UncompiledProduct]) -> Path:
    """Return the DAGSTER_HOME in the state of a folder, with its dagster.yaml and workspace.yaml.

    Raises:
        EnvironmentProblemError: The folder cannot be written.
    """
    home = state_folder(folder).absolute() / "dagster"
    (home / "launched").mkdir(parents=True, exist_ok=True)
    files = {WORKSPACE: _WORKSPACE_YAML + "".join(map(_location, products))}
    if not (home / "dagster.yaml").exists():
        files["dagster.yaml"] = _DAGSTER_YAML
    write_together(home, {name: text.encode() for name, text in files.items()})
    return home


def _location(product: UncompiledProduct) -> str:
    project_dir = product.folder.absolute()
    file, folder = (json.dumps(str(path)) for path in (project_dir / FILENAME, project_dir))
    return _LOCATION.format(file=file, folder=folder, product=json.dumps(product.name))
