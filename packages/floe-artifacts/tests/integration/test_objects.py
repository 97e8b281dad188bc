"""dbt's artifacts at an object store."""

from __future__ import annotations

import json
from pathlib import Path

from reported_product import results_in
from s3_server import BUCKET, answered, s3_server

from floe_artifacts.write_run import write_run
from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build
from floe_core.schemas import CompiledArtifacts


def test_runs_are_written_replaced_and_removed_in_s3(tmp_path: Path, write_product) -> None:  # type: ignore[no-untyped-def]
    from s3fs import S3FileSystem

    product = write_product(first="select 1 as id", second="select * from {{ ref('first') }}")
    settings = f"artifacts: {{to: 's3://{BUCKET}/tools', keepRuns: 2}}\n"
    (product / "floe.yaml").write_text((product / "floe.yaml").read_text() + settings)
    compile_product(product)
    artifacts = CompiledArtifacts.load(product)
    with s3_server() as server:
        files = S3FileSystem()
        request = BuildRequest("shop", "1")
        list(build(artifacts, request))
        for number in ("2", "3"):
            # What each build does at its end.
            (product / f".floe/runs/{number}").symlink_to(product / ".floe/runs/1")
            messages = [*write_run(artifacts, BuildRequest("shop", number), "success")]
        root = f"{BUCKET}/tools/shop"
        names = sorted(path.removeprefix(f"{root}/") for path in files.find(root))
        runs = [name for name in names if not name.startswith(("floe-runs", "latest"))]
        assert sorted({name.partition("/")[0] for name in runs}) == ["2", "3"]
        copy = tmp_path / "latest"
        files.get(f"{root}/latest/", str(copy), recursive=True)
        assert results_in(copy).keys() == {"model.shop.first", "model.shop.second"}
        assert [m.text for m in messages] == [f"dbt's artifacts: s3://{root}/3"]
        server.fault = answered("403 Forbidden", "AccessDenied")
        [refused] = write_run(artifacts, request, "success")
        assert (refused.level, "AccessDenied" in refused.text) == ("warn", True)
    assert json.loads((copy / "manifest.json").read_text())["metadata"]["project_name"] == "shop"
