"""The workflow for GitHub that docs/ci.md shows: it is a workflow, and its check runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from changed_shop import HEAD, build_production, write_shop
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "docs" / "workflows" / "floe-ci.yml"


def workflow() -> Any:
    # As YAML 1.2 has it, `on` is a text.
    return YAML(typ="safe", pure=True).load(WORKFLOW.read_text())


def steps() -> dict[str, Any]:
    listed = workflow()["jobs"]["floe"]["steps"]
    return {step.get("name") or step["uses"].partition("@")[0]: step for step in listed}


def test_the_page_shows_the_file() -> None:
    page = (ROOT / "docs" / "ci.md").read_text()
    [shown] = re.findall(r"^```yaml\n(name: floe ci\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert shown == WORKFLOW.read_text()


def test_it_runs_for_pull_requests_and_may_comment_on_them() -> None:
    found = workflow()
    assert found["on"] == "pull_request"
    assert found["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert steps()["actions/checkout"]["with"] == {"fetch-depth": 0}
    assert [*steps()][-2:] == ["Check the change", "Comment on the pull request"]


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    command = ["git", *settings, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_its_check_writes_the_comment_that_it_posts(tmp_path: Path) -> None:
    product = write_shop(tmp_path / workflow()["jobs"]["floe"]["env"]["PRODUCT"])
    (tmp_path / ".gitignore").write_text("*.duckdb\ntarget/\nlogs/\n.floe/\nprofiles-of-*\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "before")
    build_production(product)
    base = git(tmp_path, "rev-parse", "HEAD")
    write_shop(product, {"models/big.sql": HEAD["models/big_customers.sql"]})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "after")
    given = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PRODUCT": str(product.relative_to(tmp_path)),
        "BASE": base,
        "HEAD": git(tmp_path, "rev-parse", "HEAD"),
    }
    done = subprocess.run(
        ["bash", "-e", "-c", steps()["Check the change"]["run"]],
        cwd=tmp_path,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    comment = (tmp_path / "comment.md").read_text()
    assert comment.startswith(f"## shop: `{base}` to `{given['HEAD']}`\n")
    assert "--body-file comment.md" in steps()["Comment on the pull request"]["run"]
