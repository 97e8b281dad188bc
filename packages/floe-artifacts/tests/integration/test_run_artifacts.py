"""dbt's artifacts of a run are those of one plain dbt build, however many calls it took."""

from __future__ import annotations

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from console_browser import Looked, chromium
from reported_product import (
    built_by_plain_dbt,
    codes_in,
    content,
    results_in,
    write_reported_product,
)
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, NodeLog, build
from floe_core.schemas import CompiledArtifacts


def run(artifacts: CompiledArtifacts, run_id: str, attempt: int = 1) -> list[str]:
    """Run the product's own job; return what floe said."""
    events = [*build(artifacts, BuildRequest("shop", run_id, attempt=attempt))]
    assert isinstance(events[-1], BuildEnded)
    return [event.text for event in events if isinstance(event, NodeLog) and event.is_from_floe]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> CompiledArtifacts:
    """Return a product that ran twice: the first attempt failed, the second built what was left."""
    folder = write_reported_product(tmp_path_factory.mktemp("shop") / "product")
    text = (folder / "floe.yaml").read_text()
    (folder / "floe.yaml").write_text(text.replace("to: written", "to: written, docs: true"))
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    first = run(artifacts, "one")
    assert first == [f"dbt's artifacts: {folder}/written/shop/one"]
    late = results_in(folder / "written/shop/one")["model.shop.late"]
    assert (late["status"], "no_such_column" in late["message"]) == ("error", True)
    run(artifacts, "one", attempt=2)
    return artifacts


@pytest.fixture(scope="module")
def written(product: CompiledArtifacts) -> Path:
    return product.folder / "written/shop"


@pytest.fixture(scope="module")
def plain(product: CompiledArtifacts) -> Path:
    return built_by_plain_dbt(product.folder)


def test_steps_and_a_retry_leave_the_results_of_one_build(written: Path, plain: Path) -> None:
    ours = results_in(written / "one")
    assert ours == results_in(plain)
    found = {result["status"] for result in ours.values()}
    assert found == {"success", "pass", "warn", "fail", "skipped"}


def test_the_manifest_has_the_code_of_all_calls(written: Path, plain: Path) -> None:
    ours, theirs = (content(folder, "manifest.json") for folder in (written / "one", plain))
    assert codes_in(written / "one") == codes_in(plain)
    assert set(ours) == set(theirs)
    assert ours["nodes"].keys() == theirs["nodes"].keys()
    paths = {node["compiled_path"] for node in ours["nodes"].values() if node.get("compiled_path")}
    assert all(path.startswith("target/compiled/shop/") for path in paths)


def test_results_and_manifest_are_of_one_call(written: Path, plain: Path) -> None:
    results, manifest = (content(written / "one", f"{n}.json") for n in ("run_results", "manifest"))
    metadata = results["metadata"]
    assert metadata.keys() == content(plain, "run_results.json")["metadata"].keys()
    assert metadata["invocation_id"] == manifest["metadata"]["invocation_id"]
    # The selections of all three calls, of which the last attempt made one.
    assert any(word.endswith("mart") for word in results["args"]["select"])
    assert any(word.endswith("late") for word in results["args"]["select"])
    assert results["elapsed_time"] > max(row["execution_time"] for row in results["results"])


def test_latest_is_the_last_run(written: Path) -> None:
    for file in (written / "one").iterdir():
        if file.is_file():
            assert (written / "latest" / file.name).read_bytes() == file.read_bytes()
    assert sorted(path.name for path in (written / "latest").iterdir()) == [
        "catalog.json",
        "index.html",
        "manifest.json",
        "run_results.json",
    ]


def test_dbt_compares_with_the_latest_run(product: CompiledArtifacts, written: Path) -> None:
    model = product.folder / "models/below_late.sql"
    state = ("--state", written / "latest", "--profiles-dir", ".", "--target-path", "of-state")

    def built() -> set[str]:
        (product.folder / "of-state/run_results.json").unlink(missing_ok=True)
        dbt("build", "-s", "state:modified", *state, cwd=product.folder)
        rows = content(product.folder / "of-state", "run_results.json")["results"]
        return {row["unique_id"] for row in rows} - {"operation.shop.shop-on-run-end-0"}

    assert built() == set()
    text = model.read_text()
    try:
        model.write_text(f"{text} where score > 0")
        assert built() == {"model.shop.below_late"}
    finally:
        model.write_text(text)


def test_parsers_of_other_tools_read_them(written: Path) -> None:
    parser = pytest.importorskip("dbt_artifacts_parser.parser")
    results = parser.parse_run_results(content(written / "one", "run_results.json"))
    manifest = parser.parse_manifest(content(written / "one", "manifest.json"))
    ids = {each.unique_id for each in results.results}
    known = {**manifest.nodes, **manifest.unit_tests}
    assert {i for i in ids if not i.startswith("operation.")} <= known.keys()
    assert json.loads(manifest.model_dump_json())["metadata"]["project_name"] == "shop"
    catalog = parser.parse_catalog(content(written / "one", "catalog.json"))
    assert "model.shop.held_back" not in catalog.nodes
    assert catalog.nodes["model.shop.scored"].columns.keys() == {"id", "score"}


def test_the_site_shows_the_models(written: Path) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=written / "latest")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, chromium() as browser:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            looked = Looked(browser, f"http://127.0.0.1:{server.server_port}/")
            for name, column in (("scored", "score"), ("late", "score"), ("named", "name")):
                page = looked.open(f"#!/model/model.shop.{name}").page
                page.wait_for_selector(f"h1:has-text('{name}')")
                assert page.locator(f"td:has-text('{column}')").count() > 0
                # The site is made for a server of dbt's; nothing else is missing.
                page.wait_for_selector("text=Compiled")
        finally:
            server.shutdown()
