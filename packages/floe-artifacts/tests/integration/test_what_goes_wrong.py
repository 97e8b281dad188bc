"""Killed builds, secrets, and places that cannot be written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from reported_product import built_by_plain_dbt, content, results_in, write_reported_product

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, NodeLog, build
from floe_core.execution.reports.killed_builds import report_killed_builds
from floe_core.schemas import CompiledArtifacts

KILLED = """\
import os, signal, sys
from floe_core.execution import BuildRequest, NodeResult, build
from floe_core.schemas import CompiledArtifacts
for event in build(CompiledArtifacts.load(sys.argv[1]), BuildRequest("shop", sys.argv[2])):
    if isinstance(event, NodeResult) and event.unique_id == "model.shop.scored":
        os.kill(os.getpid(), signal.SIGKILL)
"""
SECRET = "sh0p-T0ken-of-this-test"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> CompiledArtifacts:
    """Return a product whose code has a secret, and of which nothing fails but a test."""
    models = {
        "models/late.sql": "select sum(score) as score from {{ ref('scored') }}",
        "models/named.sql": "select id, name, '{{ env_var(\"SHOP_TOKEN\") }}' as t from {{ ref('people') }}",
    }
    folder = tmp_path_factory.mktemp("shop") / "product"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_TOKEN", SECRET)
        patch.setenv("PLACE_OF_ARTIFACTS", "written")
        text = write_reported_product(folder, **models).joinpath("floe.yaml").read_text()
        (folder / "floe.yaml").write_text(
            text.replace("to: written", "to: 'env:PLACE_OF_ARTIFACTS', docs: true")
        )
        compile_product(folder)
        yield CompiledArtifacts.load(folder)


def build_of(
    product: CompiledArtifacts, run_id: str, attempt: int
) -> tuple[list[NodeLog], BuildEnded]:
    *events, end = build(product, BuildRequest("shop", run_id, attempt=attempt))
    assert isinstance(end, BuildEnded)
    return [e for e in events if isinstance(e, NodeLog) and e.is_from_floe], end


def kill_in(product: CompiledArtifacts, run_id: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, product.folder, run_id], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (product.folder / "written/shop" / run_id).exists()


def test_a_killed_run_that_is_resumed_has_all_results(product: CompiledArtifacts) -> None:
    kill_in(product, "one")
    written = product.folder / "written/shop"
    build_of(product, "one", 2)
    ours, theirs = results_in(written / "one"), results_in(built_by_plain_dbt(product.folder))
    assert {i: row["status"] for i, row in ours.items()} == {
        i: row["status"] for i, row in theirs.items()
    }
    # The process took dbt's own result with it; it is told from what floe recorded.
    names = ("keys", "relation_name", "compiled_code", "compiled", "failures")
    killed, plain = ours["model.shop.scored"], theirs["model.shop.scored"]
    assert [killed[name] for name in names] == [plain[name] for name in names]
    assert killed["phases"] == ["execute"]


def test_a_killed_run_that_is_not_resumed_has_what_it_built(product: CompiledArtifacts) -> None:
    kill_in(product, "lost")
    # It may not know the secrets, so it writes nothing.
    report_killed_builds(product)
    written = product.folder / "written/shop"
    assert not (written / "lost").exists()
    build_of(product, "next", 1)
    ours, theirs = results_in(written / "lost"), results_in(built_by_plain_dbt(product.folder))
    assert {"seed.shop.people", "model.shop.scored"} <= ours.keys() < theirs.keys()
    assert {i: row["status"] for i, row in ours.items()} == {i: theirs[i]["status"] for i in ours}
    assert SECRET not in (written / "lost/manifest.json").read_text()
    assert json.loads((written / "floe-runs.json").read_text())["latest"] == "next"


def test_no_file_has_a_secret(product: CompiledArtifacts) -> None:
    messages, _ = build_of(product, "two", 1)
    assert [message.level for message in messages] == ["info"]
    written = product.folder / "written/shop"
    assert SECRET in (
        product.folder / ".floe/runs/two/attempt-1/run_results.json"
    ).read_text() or any(
        SECRET in path.read_text()
        for path in product.folder.glob(".floe/runs/two/attempt-1/earlier/*")
    )
    files = [path for path in written.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"catalog.json", "index.html", "manifest.json"}
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    assert (
        "'***' as t"
        in content(written / "two", "manifest.json")["nodes"]["model.shop.named"]["compiled_code"]
    )


@pytest.mark.parametrize("place", ["score.py/below", "s3+nothing://bucket/prefix"])
def test_a_place_that_cannot_be_written_fails_no_run(
    product: CompiledArtifacts, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("PLACE_OF_ARTIFACTS", place)
    one = ("seed.shop.people",)
    *events, end = build(product, BuildRequest("shop", f"bad-{place[:2]}", one))
    assert end == BuildEnded(succeeded=True)
    [warning] = [e for e in events if isinstance(e, NodeLog) and e.is_from_floe]
    assert warning.level == "warn"
    assert warning.text.startswith("dbt's artifacts of this run were not written: ")
    assert (place.partition("/")[0] if place.startswith("score") else place) in warning.text
    journal = next(product.folder.glob(f".floe/runs/bad-{place[:2]}/events.jsonl"))
    assert "were not written" in journal.read_text()


def test_a_canceled_run_has_its_results(product: CompiledArtifacts) -> None:
    events = build(product, BuildRequest("shop", "cut"))
    for event in events:
        if getattr(event, "unique_id", "") == "model.shop.mart":
            break
    events.close()
    found = results_in(product.folder / "written/shop/cut")
    assert found["seed.shop.people"]["status"] == "success"
    assert found["model.shop.late"]["status"] == "skipped"
    assert not (product.folder / "written/shop/cut/catalog.json").exists()
    assert (
        os.listdir(product.folder / "written/shop/latest")
        == os.listdir(product.folder / "written/shop/cut")
        or (product.folder / "written/shop/latest/run_results.json").read_bytes()
        == (product.folder / "written/shop/cut/run_results.json").read_bytes()
    )
