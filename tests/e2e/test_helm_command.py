"""`floe helm`: values for a chart, and what Helm makes of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import warm_floe
import yaml

pytestmark = pytest.mark.quick

ROOT = Path(__file__).parents[2]
HELM = ROOT / ".helm" / "4.1" / "helm"
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator:
    type: dagster
    config:
      helm: {size: medium, image_template: "registry.example.com/{name}:{version}"}
  compute: {type: duckdb}
  lineage_backend: {type: openlineage, config: {url: "http://lineage:5000"}}
resource_presets:
  medium: {cpu_request: 250m, cpu_limit: "3", memory_request: 3Gi, memory_limit: 3Gi}
"""


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "examples" / "manifest.yaml").write_text(MANIFEST)
    return tmp_path / "examples"


def floe(*words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return warm_floe.floe("helm", *words, **env)


def values(*words: str | Path) -> dict:
    done = floe("values", *words)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


@pytest.mark.long
def test_a_version_with_build_metadata_is_a_valid_tag(examples: Path) -> None:
    file = examples / "hello" / "floe.yaml"
    assert "version: 1.0.0" in file.read_text()
    file.write_text(file.read_text().replace("version: 1.0.0", "version: 1.0.0+build.7"))
    [hello] = values(examples / "hello")["codeLocations"]
    assert (hello["name"], hello["image"]["tag"]) == ("hello", "1.0.0_build.7")


def test_values_follow_the_manifest_and_the_products(examples: Path) -> None:
    found = values(
        examples / "hello",
        "--product",
        examples / "customer-360",
        "--product",
        "ledger=registry.example.com/books/ledger:7",
    )
    assert [each["image"]["repository"] for each in found["codeLocations"]] == [
        "registry.example.com/hello",
        "registry.example.com/customer-360",
        "registry.example.com/books/ledger",
    ]
    assert found["runs"]["resources"]["requests"] == {"cpu": "250m", "memory": "3Gi"}
    assert found["openLineage"]["url"] == "http://lineage:5000"


@pytest.mark.parametrize("orchestrator", ["dagster", "airflow"])
def test_pods_reach_the_receivers_of_alerts_and_the_ledger(
    examples: Path, orchestrator: str
) -> None:
    assert "networkPolicy" not in values(examples / "hello")
    says = """\
alerts: [{on: [failure], to: "{{ env_var('ALERTS_URL') }}"}]
ledger: postgresql://floe@ledger.example.com:6432/floe
"""
    store = "config:\n      alert_store: postgresql://floe@alerts.example.com/floe\n"
    manifest = MANIFEST.replace("type: dagster", f"type: {orchestrator}")
    manifest = manifest.replace("config:\n", store, 1)
    (examples / "manifest.yaml").write_text(manifest + says)
    found = values(examples / "hello")["networkPolicy"]
    assert found == {"alertPorts": [443, 5432], "ledgerPorts": [6432]}


@pytest.mark.parametrize("orchestrator", ["dagster", "airflow"])
@pytest.mark.parametrize(
    ("compute", "port"),
    [
        ("{type: clickhouse, config: {host: db.example.com, secure: true}}", 8443),
        ("{type: redshift, config: {host: db.example.com}}", 5439),
        ("{type: postgres, config: {host: db.example.com, port: 6543}}", 6543),
    ],
)
def test_pods_reach_the_warehouse(
    examples: Path, compute: str, port: int, orchestrator: str
) -> None:
    manifest = MANIFEST.replace("type: dagster", f"type: {orchestrator}")
    changed = re.sub("compute: {.*", f"compute: {compute}", manifest)
    assert changed != manifest
    (examples / "manifest.yaml").write_text(changed)
    found = values(examples / "hello")["networkPolicy"]
    assert found == {"warehousePorts": [443, 5432, port]}


@pytest.mark.parametrize("orchestrator", ["dagster", "airflow"])
def test_products_with_steps_that_are_images_may_start_pods(
    examples: Path, orchestrator: str
) -> None:
    (examples / "manifest.yaml").write_text(
        MANIFEST.replace("type: dagster", f"type: {orchestrator}")
    )
    assert "stepPods" not in values(examples / "hello")
    with (examples / "hello" / "floe.yaml").open("a") as file:
        file.write("steps: [{name: train, image: 'registry.example.com/train:1.4'}]\n")
    preset = yaml.safe_load(MANIFEST)["resource_presets"]["medium"]
    assert values(examples / "hello")["stepPods"] == {
        "enabled": True,
        "resources": {
            "requests": {"cpu": preset["cpu_request"], "memory": preset["memory_request"]},
            "limits": {"cpu": preset["cpu_limit"], "memory": preset["memory_limit"]},
        },
    }


DUCKDB = (
    "hello, customer-360: the warehouse is a DuckDB file, which a pod loses when it ends and no other pod "
    "can read; use a warehouse with a server, or mount a volume there that all pods share"
)
FOLDER = (
    "customer-360: the ledger is the folder ledger, so no pod sees the updates that others record; set "
    "`ledger` to a URL such as postgresql://, or mount a volume there that all pods share"
)


@pytest.mark.parametrize(
    ("compute", "ledger", "warned"),
    [
        ('{type: duckdb, config: {path: "{product_slug}.duckdb"}}', "ledger", [DUCKDB, FOLDER]),
        ('{type: duckdb, config: {path: "md:acme"}}', "postgresql://floe@db/floe", []),
        ("{type: postgres, config: {host: db.example.com}}", "s3://acme/ledger", []),
    ],
)
def test_files_that_pods_do_not_share_are_warned_about(
    examples: Path, compute: str, ledger: str, warned: list[str]
) -> None:
    changed = re.sub("compute: {.*", f"compute: {compute}", MANIFEST)
    (examples / "manifest.yaml").write_text(f"{changed}ledger: {ledger}\n")
    done = floe("values", examples / "hello", "--product", examples / "customer-360")
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stderr.split())
    assert [text for text in (DUCKDB, FOLDER) if text in told] == warned


def test_the_size_of_the_command_goes_before_the_manifests(examples: Path) -> None:
    found = values(examples / "hello", "--size", "large")
    assert found["webserver"]["resources"]["requests"] == {"cpu": "1", "memory": "2Gi"}


def test_each_key_stands_under_what_it_means(examples: Path) -> None:
    lines = floe("values", examples / "hello").stdout.splitlines()
    assert lines[lines.index("  replicas: 1") - 1] == (
        "  # Pods that serve the web page and GraphQL."
    )


def test_out_is_a_file_with_the_same_text(examples: Path, tmp_path: Path) -> None:
    printed = floe("values", examples / "hello").stdout
    assert floe("values", examples / "hello", "--out", tmp_path / "v.yaml").stdout == ""
    assert (tmp_path / "v.yaml").read_text() == printed


def test_without_a_product_the_plugins_own_are_written(tmp_path: Path) -> None:
    done = warm_floe.floe("helm", "values", "--on", "dagster", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["codeLocations"] == []


@pytest.mark.parametrize("command", [["helm", "values"], ["compile"]])
def test_wrong_settings_are_told_at_their_lines(examples: Path, command: list[str]) -> None:
    wrong = MANIFEST.replace("{size: medium", "{sise: medium, replicas: no-number")
    (examples / "manifest.yaml").write_text(wrong)
    done = warm_floe.floe(*command, examples / "hello")
    assert (done.returncode, done.stdout) == (1, "")
    assert [line for line in done.stderr.splitlines() if "manifest.yaml:" in line] == [
        "../manifest.yaml:8:14: unknown key 'sise'",
        "../manifest.yaml:8:38: replicas: 'no-number' is no whole number",
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--size", "huge"], "no size 'huge'; the sizes are small, medium, large\n"),
        (
            ["--product", "Ledger=books"],
            "--product Ledger=books: not NAME=IMAGE, such as shop=registry.example.com/shop:1.0.0\n",
        ),
    ],
)
def test_wrong_words_are_refused_with_what_would_do(
    examples: Path, words: list[str], told: str
) -> None:
    done = floe("values", examples / "hello", *words)
    assert (done.returncode, done.stderr) == (2, told)


@pytest.mark.skipif(not HELM.exists(), reason="no Helm engine: run make helm")
def test_template_renders_what_values_says(examples: Path) -> None:
    done = floe("template", examples / "hello", "--namespace", "data", FLOE_HELM=str(HELM))
    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    names = {each["metadata"]["name"] for each in objects if each["kind"] == "Deployment"}
    assert "floe-floe-dagster-code-server-hello" in names
    assert {each["metadata"].get("namespace") for each in objects} == {"data"}


def test_template_says_what_to_do_where_there_is_no_helm(examples: Path) -> None:
    done = floe("template", examples / "hello", FLOE_HELM="/no/such/helm")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "FLOE_HELM names /no/such/helm, which is not a program here\n"
