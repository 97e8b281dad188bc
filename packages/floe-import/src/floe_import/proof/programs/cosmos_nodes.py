"""Print the nodes that Cosmos selects in a project, as JSON. Runs without floe_import."""

import json
import sys
from pathlib import Path
from typing import Any

from cosmos.config import ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import LoadMode
from cosmos.dbt.graph import DbtGraph


def main(folder: Path, wanted: dict[str, Any]) -> None:
    """Print the ids of models, seeds and snapshots that a RenderConfig selects."""
    graph = DbtGraph(
        project=ProjectConfig(folder, manifest_path=folder / "target" / "manifest.json"),
        profile_config=ProfileConfig(
            "any", "any", profiles_yml_filepath=folder / "dbt_project.yml"
        ),
        execution_config=ExecutionConfig(dbt_project_path=folder),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST, dbt_project_path=folder, **wanted
        ),
    )
    graph.load(method=LoadMode.DBT_MANIFEST, execution_mode=None)
    kinds = ("model", "seed", "snapshot")
    print(json.dumps(sorted(i for i in graph.filtered_nodes if i.split(".")[0] in kinds)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
