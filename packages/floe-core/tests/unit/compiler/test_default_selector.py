"""The default selector of a dbt 2, which its manifest does not name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from floe_core.compiler.dbt.parse import name_default_selector

LISTED = {"": ["a", "b"], "nightly": ["a", "b"], "weekly": ["c"]}


def select(arguments: list[str]) -> list[str]:
    return LISTED[arguments[1] if arguments else ""]


def manifest_of(*names: str, **fields: Any) -> dict[str, Any]:
    return {"selectors": {name: {"name": name, "definition": "tag:x", **fields} for name in names}}


@pytest.mark.parametrize(
    ("weekly", "nightly", "expected"),
    [
        ("", ", default: true", "nightly"),
        (", default: yes", "", "weekly"),
        (", default: false", "", ""),
        ("", "", ""),
        # dbt renders it, and applies the one that gives what it lists without a selection.
        (", default: '{{ 1 == 2 }}'", ", default: '{{ 1 == 1 }}'", "nightly"),
        (", default: '{{ 1 == 2 }}'", "", ""),
    ],
)
def test_it_is_the_one_that_dbt_applies(
    weekly: str, nightly: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "selectors.yml").write_text(
        "selectors:\n"
        f"  - {{name: weekly, definition: 'tag:week'{weekly}}}\n"
        f"  - {{name: nightly, definition: 'tag:night'{nightly}}}\n"
    )
    manifest = manifest_of("nightly", "weekly")
    name_default_selector(manifest, tmp_path, select)
    found = [name for name, each in manifest["selectors"].items() if each.get("default")]
    assert found == [expected] * bool(expected)


def test_what_a_manifest_says_stays(tmp_path: Path) -> None:
    (tmp_path / "selectors.yml").write_text("selectors: [{name: nightly, default: true}]\n")
    manifest = manifest_of("nightly", default=False)
    name_default_selector(manifest, tmp_path, select)
    assert manifest == manifest_of("nightly", default=False)


def test_there_may_be_no_selectors(tmp_path: Path) -> None:
    manifest: dict[str, Any] = {"selectors": {}}
    name_default_selector(manifest, tmp_path, select)
    assert manifest == {"selectors": {}}
