"""Tools that read dbt's artifacts get from those of a run what they get from plain dbt's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from reported_product import built_by_plain_dbt, write_reported_product
from warm_floe import dbt, floe

pytestmark = pytest.mark.slow

UV = Path(sys.executable).with_name("uv")
RECIPE = """\
source:
  type: dbt
  config:
    manifest_path: {folder}/manifest.json
    catalog_path: {folder}/catalog.json
    run_results_paths: ["{folder}/run_results.json"]
    target_platform: duckdb
    write_semantics: OVERRIDE
sink: {{type: file, config: {{filename: {to}}}}}
"""
PARSE = """\
import json, sys
from collate_dbt_artifacts_parser.parser import parse_catalog, parse_manifest, parse_run_results
folder = sys.argv[1]
read = lambda name: json.load(open(f"{folder}/{name}.json"))
results = parse_run_results(read("run_results"))
# As its ingestion does: the parser is stricter than dbt with what is not read.
manifest = {k: v if k in ("nodes", "sources", "metadata", "exposures") else {} for k, v in read("manifest").items()}
print(json.dumps([
    sorted((each.unique_id, str(getattr(each.status, "value", each.status))) for each in results.results),
    sorted(parse_manifest(manifest).nodes),
    sorted(parse_catalog(read("catalog")).nodes),
]))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the folder of a run's artifacts, and that of plain dbt's."""
    product = write_reported_product(tmp_path_factory.mktemp("shop") / "product")
    text = (product / "floe.yaml").read_text()
    (product / "floe.yaml").write_text(text.replace("to: written", "to: written, docs: true"))
    assert floe("run", product).returncode == 1
    plain = built_by_plain_dbt(product)
    words = ("--no-compile", "--target-path", plain, "--profiles-dir", ".")
    dbt("docs", "generate", *words, cwd=product)
    return product / "written/shop/latest", plain


def environment_with(folder: Path, *packages: str) -> Path:
    """Return the programs of an environment with these packages; skip where it can't be made."""
    command = [UV, "venv", "--quiet", "--python", sys.executable, folder / "venv"]
    subprocess.run(command, check=True)
    into = ("--python", folder / "venv/bin/python")
    command = [UV, "pip", "install", "--quiet", *into, *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{packages} cannot be installed: {done.stderr[-300:]}")
    return folder / "venv/bin"


def test_datahub(folders: tuple[Path, Path], tmp_path: Path) -> None:
    datahub = environment_with(tmp_path, "acryl-datahub[dbt]") / "datahub"

    def taken_from(folder: Path) -> set[tuple[str, str, str]]:
        """Return entities, their aspects, and the results of tests."""
        recipe, to = tmp_path / "recipe.yml", tmp_path / "taken.json"
        recipe.write_text(RECIPE.format(folder=folder, to=to))
        done = subprocess.run(
            [datahub, "ingest", "-c", recipe],
            env={"DATAHUB_TELEMETRY_ENABLED": "false", "HOME": str(tmp_path), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found = set()
        for each in json.loads(to.read_text()):
            if each.get("entityType") in ("dataset", "assertion"):
                aspect = each["aspect"]["json"]
                result = aspect.get("result", {}) if isinstance(aspect, dict) else {}
                found.add((each["entityUrn"], each["aspectName"], result.get("type", "")))
        return found

    ours, theirs = map(taken_from, folders)
    assert ours == theirs
    assert {"SUCCESS", "FAILURE"} <= {result for _, _, result in ours}


def test_openmetadata(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Its ingestion reads dbt's files with this parser."""
    programs = environment_with(tmp_path, "collate-dbt-artifacts-parser")

    def parsed(folder: Path) -> object:
        command = [programs / "python", "-c", PARSE, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    ours, theirs = map(parsed, folders)
    assert ours == theirs
