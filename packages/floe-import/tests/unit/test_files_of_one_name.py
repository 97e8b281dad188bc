"""Files of one name are all written, each to a place of its own."""

from __future__ import annotations

from pathlib import Path

from floe_import.import_files import Request, import_files

DAG = "from cosmos import DbtDag, ProjectConfig\nDbtDag(dag_id='{0}', project_config=ProjectConfig('/{0}/shop'))\n"
ASSETS = (
    "from dagster_dbt import DbtCliResource, DbtProject, dbt_assets\n"
    "project = DbtProject('/{0}/shop')\n"
    "@dbt_assets(manifest=project.manifest_path)\n"
    "def {0}(context, dbt: DbtCliResource):\n"
    "    yield from dbt.cli(['build'], context=context).stream()\n"
)
COMPONENT = "type: dagster_dbt.DbtProjectComponent\nattributes: {{project: /{0}/shop}}\n"


def imported(folder: Path, name: str, text: str) -> tuple[dict[str, str], list[str]]:
    """Import three files of one name; return what is written below `out`, and the steps."""
    files = []
    for each in ("a", "b", "c"):
        file = folder / each / name
        file.parent.mkdir(parents=True)
        file.write_text(text.format(each))
        files.append(file)
    report = import_files(Request([*files, files[0]], (), Path("out")))
    written = {name: text for name, text in report.files.items() if name.endswith(".py")}
    return written, report.steps


def test_dags(tmp_path: Path) -> None:
    written, steps = imported(tmp_path, "dag.py", DAG)
    targets = ["out/dags/dag.py", "out/dags/b/dag.py", "out/dags/c/dag.py"]
    assert list(written) == targets
    for each, target in zip("abc", targets, strict=True):
        assert f"dag_id='{each}'" in written[target]
        assert f"put {target} in the place of {tmp_path / each / 'dag.py'}" in steps


def test_definitions(tmp_path: Path) -> None:
    written, _ = imported(tmp_path, "assets.py", ASSETS)
    assert list(written) == [
        f"out/definitions/{each}" for each in ("assets.py", "b/assets.py", "c/assets.py")
    ]
    assert ["/b/shop" in text for text in written.values()] == [False, True, False]


def test_components(tmp_path: Path) -> None:
    written, steps = imported(tmp_path, "shop/defs.yaml", COMPONENT)
    targets = [f"out/definitions/{each}" for each in ("shop.py", "b/shop.py", "c/shop.py")]
    assert list(written) == targets
    assert len([each for each in steps if each.startswith("put")]) == 3
