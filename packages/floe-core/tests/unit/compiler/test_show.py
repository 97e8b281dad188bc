"""`floe show` names everything that runs, each id in one piece."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from floe_core.cli.main import app

WriteProduct = Callable[..., Path]

LONG = "a_model_whose_name_is_so_long_that_a_terminal_of_eighty_columns_would_break_it_in_two_parts"
SCHEMA = """\
models:
  - name: hidden
    columns: [{name: id, data_tests: [not_null]}]
"""
SELECTORS = """\
selectors:
  - {name: nightly, default: true, definition: {method: fqn, value: after}}
"""


@pytest.fixture
def product(write_product: WriteProduct) -> Path:
    folder = write_product(
        hidden="{{ config(materialized='ephemeral') }} select 1 as id",
        after="select * from {{ ref('hidden') }}",
        **{LONG: "select 1 as id"},
    )
    (folder / "models" / "schema.yml").write_text(SCHEMA)
    return folder


def shown(product: Path) -> str:
    done = CliRunner().invoke(app, ["show", str(product)])
    assert done.exit_code == 0, done.output
    return done.output


def test_tests_of_ephemeral_models_are_shown(product: Path) -> None:
    assert "test not_null_hidden_id of model.shop.hidden" in shown(product)


def test_an_id_is_in_one_piece(product: Path) -> None:
    assert LONG in shown(product)


def test_a_job_that_only_excludes_has_all_but_that(product: Path) -> None:
    with (product / "floe.yaml").open("a") as spec:
        spec.write("jobs: [{name: most, exclude: after}, {name: one, select: after}]\n")
    told = shown(product).splitlines()
    jobs = [line.partition("─ ")[2] for line in told if line.startswith(("├── ", "└── "))]
    assert [job for job in jobs if job.startswith(("shop", "most", "one"))] == [
        "shop all, 3 nodes",
        "most all but after, 2 nodes",
        "one after, 1 node",
    ]


def test_a_default_selector_is_named(product: Path) -> None:
    (product / "selectors.yml").write_text(SELECTORS)
    assert "nightly, the default selector of selectors.yml, 1 node" in shown(product)
