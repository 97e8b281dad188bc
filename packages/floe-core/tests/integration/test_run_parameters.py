"""The parameters of a run do what the flags of `dbt build` do: the same nodes, statuses and rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from plain_shop import FLOE, MANIFEST
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeResult, RunParameters, build
from floe_core.foundation.errors import UsageError
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

FILES = {
    "seeds/raw.csv": "id,name\n1,a\n2,b\n",
    "snapshots/history.sql": (
        "{% snapshot history %}{{ config(unique_key='id', strategy='check', check_cols='all', "
        "target_schema='main') }}select * from {{ ref('raw') }}{% endsnapshot %}"
    ),
    "tests/raw_has_names.sql": "select * from {{ ref('raw') }} where name is null",
    "models/schema.yml": """\
models:
  - name: staged
    columns: [{name: id, data_tests: [unique]}]
unit_tests:
  - name: doubles
    model: staged
    given: [{input: ref('raw'), rows: [{id: 1, name: x}]}]
    expect: {rows: [{id: 1, name: x}]}
""",
}
MODELS = {
    "staged": "{{ config(materialized='table') }} select * from {{ ref('raw') }}",
    # Grows by two rows with each run; a full refresh begins anew.
    "grows": (
        "{{ config(materialized='incremental') }} select id, '{{ var('word', 'none') }}' as word "
        "from {{ ref('staged') }}"
    ),
}
CASES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "full refresh": (["--full-refresh"], {"full_refresh": True}),
    "empty": (["--empty"], {"empty": True}),
    "both": (["--empty", "--full-refresh"], {"empty": True, "full_refresh": True}),
    "exclude": (["--exclude", "grows", "history"], {"exclude": "grows history"}),
    "exclude with children": (["--exclude", "staged+"], {"exclude": "staged+"}),
    "select and exclude": (
        ["--select", "staged+", "--exclude", "grows"],
        {"select": "staged+", "exclude": "grows"},
    ),
    "a test alone": (["--select", "raw_has_names"], {"select": "raw_has_names"}),
    "seeds and unit tests": (
        ["--resource-type", "seed", "--resource-type", "unit_test"],
        {"resource_types": ("seed", "unit_test")},
    ),
    "seeds": (["--resource-type", "seed"], {"resource_types": ("seed",)}),
    "snapshots": (["--resource-type", "snapshot"], {"resource_types": ("snapshot",)}),
    "tests": (["--resource-type", "test"], {"resource_types": ("test",)}),
    "seeds and snapshots": (
        ["--resource-type", "seed", "--resource-type", "snapshot"],
        {"resource_types": ("seed", "snapshot")},
    ),
    "models of a selection": (
        ["--select", "raw+", "--resource-type", "model", "--full-refresh"],
        {"select": "raw+", "resource_types": ("model",), "full_refresh": True},
    ),
    "vars": (["--vars", "{word: told}"], {"vars": {"word": "told"}}),
}


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    def write(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name.replace(" ", "-"))
        models = {f"models/{model}.sql": sql for model, sql in MODELS.items()}
        texts = {
            "floe.yaml": FLOE,
            "manifest.yaml": MANIFEST,
            "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
        }
        for path, text in {**FILES, **models, **texts}.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text)
        return folder

    return write


def built(
    folder: Path, run_id: str, parameters: RunParameters, job: str = "shop"
) -> dict[str, str]:
    """Return node id -> status of a build."""
    request = BuildRequest(job, run_id, parameters=parameters)
    events = build(CompiledArtifacts.load(folder), request)
    return {e.unique_id: e.status for e in events if isinstance(e, NodeResult)}


def built_by_dbt(folder: Path, *flags: str, command: str = "build") -> dict[str, str]:
    """Return node id -> status of a plain `dbt build`."""
    dbt("-q", command, "--target-path", "plain", *flags, cwd=folder)
    results = json.loads((folder / "plain" / "run_results.json").read_text())["results"]
    return {result["unique_id"]: result["status"] for result in results}


def tables(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return table -> its rows, without the times that a snapshot stamps."""
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as warehouse:
        names = [row[0] for row in warehouse.execute("show tables").fetchall()]
        columns = {name: "id, name" if name == "history" else "*" for name in names}
        return {
            name: sorted(warehouse.execute(f"select {shown} from {name}").fetchall())
            for name, shown in columns.items()
        }


@pytest.fixture(scope="module")
def after_a_first_build(
    write: Callable[[str], Path], plain_site: Path
) -> Callable[[str], tuple[Path, Path]]:
    """Return a function that copies the product as a build of floe, and one of dbt, left it."""
    ours = write("first floe")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(plain_site))
        compile_product(ours)
        plain = Path(shutil.copytree(ours, ours.parent / "first-dbt"))
        built(ours, "first", RunParameters())
        built_by_dbt(plain)

    def copy(case: str) -> tuple[Path, Path]:
        places = ours.parent / case / "floe", ours.parent / case / "dbt"
        for built_folder, place in zip((ours, plain), places, strict=True):
            shutil.copytree(built_folder, place)
        return places

    return copy


@pytest.mark.parametrize("case", CASES)
def test_a_run_with_parameters_is_a_dbt_build_with_those_flags(
    case: str, after_a_first_build: Callable[[str], tuple[Path, Path]]
) -> None:
    flags, values = CASES[case]
    ours, plain = after_a_first_build(case)
    assert built(ours, "second", RunParameters(**values)) == built_by_dbt(plain, *flags)
    assert tables(ours) == tables(plain)


@pytest.mark.parametrize("reuse", ["off", "unchanged"])
def test_each_run_of_a_job_that_says_so_is_a_full_refresh(
    reuse: str, write: Callable[[str], Path]
) -> None:
    ours = write(f"jobs with reuse {reuse}")
    jobs = "jobs: [{name: weekly, select: '*', fullRefresh: true}]\n"
    (ours / "floe.yaml").write_text(f"{FLOE}execution: {{reuse: {reuse}}}\n{jobs}")
    plain = Path(shutil.copytree(ours, ours.parent / f"plain-{reuse}"))
    compile_product(ours)
    for number, (job, flags) in enumerate({"shop": [], "weekly": ["--full-refresh"]}.items()):
        for again in ("", " again"):
            found = built(ours, f"{number}{again}", RunParameters(), job)
            by_dbt = built_by_dbt(plain, "--profiles-dir", str(ours), *flags)
            assert found == by_dbt or (reuse, job) == ("unchanged", "shop")
            assert tables(ours) == tables(plain)


def test_a_unit_test_alone_is_run_as_dbt_test_does(write: Callable[[str], Path]) -> None:
    """`dbt build` runs a unit test with its model only."""
    folder = write("unit test")
    compile_product(folder)
    built(folder, "first", RunParameters())
    alone = RunParameters(select="doubles", full_refresh=True, empty=True)
    assert built(folder, "second", alone) == {"unit_test.shop.staged.doubles": "pass"}
    assert built_by_dbt(folder, "--select", "doubles", command="test") == {
        "unit_test.shop.staged.doubles": "pass"
    }


def test_a_retry_keeps_the_parameters_of_its_run(write: Callable[[str], Path]) -> None:
    """What failed is built again with the same flags, and nothing beside what was selected."""
    folder = write("retry")
    model = (
        "{{ config(materialized='incremental') }} select 1 as id, "
        "{% if var('floe_attempt', 0) == 1 %}no_such_column{% else %}"
        "'{{ flags.FULL_REFRESH }}'{% endif %} as refreshed"
    )
    (folder / "models" / "grows.sql").write_text(model)
    artifacts = compile_product(folder)
    parameters = RunParameters(select="grows", full_refresh=True)

    def attempt(number: int) -> dict[str, str]:
        request = BuildRequest("shop", "r", attempt=number, parameters=parameters)
        results = [e for e in build(artifacts, request) if isinstance(e, NodeResult)]
        return {e.unique_id: e.status for e in results}

    assert attempt(1) == {"model.shop.grows": "error"}
    assert attempt(2) == {"model.shop.grows": "success"}
    assert tables(folder) == {"grows": [(1, "True")]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"select": "nothing"}, "--select nothing: selects no node of shop"),
        (
            {"select": "raw", "resource_types": ("model",)},
            "--select raw --resource-type model: selects no node of shop",
        ),
        ({"exclude": "*"}, "--exclude *: selects no node of shop"),
        (
            {"select": "nothing", "vars": {"optional": True}},
            "--select nothing: selects no node of shop; nodes that only the run's vars "
            "enable have to be selected along with another",
        ),
    ],
)
def test_parameters_that_choose_nothing_are_refused(
    write: Callable[[str], Path], values: dict[str, Any], message: str
) -> None:
    folder = write("nothing")
    compile_product(folder)
    with pytest.raises(UsageError) as caught:
        built(folder, "r", RunParameters(**values))
    assert str(caught.value) == message


def test_a_form_that_is_filled_in_wrongly_is_told_everything_at_once() -> None:
    with pytest.raises(ValueError) as caught:
        RunParameters.given({"resource_types": ["seeds"], "empty": "maybe", "vars": None})
    assert str(caught.value) == (
        "resource_types.0: Input should be 'model', 'seed', 'snapshot', 'test', 'unit_test' or "
        "'step'; empty: Input should be a valid boolean, unable to interpret input"
    )
