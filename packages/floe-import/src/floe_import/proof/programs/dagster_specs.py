"""Print the assets and checks of the Definitions in a file, as JSON. Runs without floe_import."""

import json
import sys
import types
from pathlib import Path
from typing import Any

import dagster as dg


def load(file: str, place: str) -> dg.Definitions:
    """Return the Definitions that a file defines, run as if it were at another place."""
    sys.path.insert(0, str(Path(place).parent))
    module = types.ModuleType("definitions_to_read")
    module.__file__ = place
    sys.modules[module.__name__] = module
    exec(compile(Path(file).read_text(), place, "exec"), module.__dict__)
    found = [each for each in vars(module).values() if isinstance(each, dg.Definitions)]
    if len(found) != 1:
        raise SystemExit(f"{file} defines {len(found)} Definitions, not one")
    return found[0]


def described(spec: dg.AssetSpec) -> dict[str, Any]:
    """Return what others see of an asset."""
    condition = spec.automation_condition
    return {
        "dependencies": sorted(each.asset_key.to_user_string() for each in spec.deps),
        "group": spec.group_name,
        "owners": sorted(spec.owners),
        "kinds": sorted(spec.kinds),
        "tags": {k: v for k, v in spec.tags.items() if not k.startswith("dagster/kind/")},
        "code version": spec.code_version,
        "condition": condition.get_label() or repr(condition) if condition else None,
        "partitions": repr(spec.partitions_def) if spec.partitions_def else None,
    }


def main(file: str, place: str) -> None:
    """Print what the file defines."""
    definitions = load(file, place)
    repository = definitions.get_repository_def()
    graph = definitions.resolve_asset_graph()
    assets = {
        spec.key.to_user_string(): described(spec)
        for spec in definitions.resolve_all_asset_specs()
        if spec.key in graph.executable_asset_keys
    }
    print(
        json.dumps(
            {
                "assets": assets,
                "checks": sorted(
                    f"{key.asset_key.to_user_string()}:{key.name}" for key in graph.asset_check_keys
                ),
                "jobs": sorted(n for n in repository.job_names if not n.startswith("__")),
                "schedules": {each.name: each.cron_schedule for each in repository.schedule_defs},
                "sensors": sorted(each.name for each in repository.sensor_defs),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
