"""Selections with steps, against what dbt takes where each step is a model of the same edges."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner

from floe_core.compiler import compile_product
from floe_core.execution.node_selection import ids_listed
from floe_core.foundation.errors import InvalidProductError, UsageError
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
steps:
  - {name: load, command: ["true"], writes: [raw.orders, raw.payments], tags: [edge]}
  - {name: score, command: ["true"], reads: [orders], writes: [ml.scores]}
  - {name: push, command: ["true"], reads: [ranked, crm.ready], tags: [edge]}
  - {name: ready, command: ["true"], writes: [crm.ready]}
JOBS
"""
# In the project that is the oracle, steps are models, read by ref() where there is a source.
STEPS = {
    "load": (),
    "score": ("orders",),
    "push": ("ranked", "ready"),
    "ready": (),
}
MODELS = {
    "orders": ("source:raw.orders",),
    "payments": ("source:raw.payments",),
    "joined": ("orders", "payments"),
    "ranked": ("joined", "source:ml.scores"),
    "aside": (),
    "below_aside": ("aside",),
}
WRITERS = {"raw.orders": "load", "raw.payments": "load", "ml.scores": "score"}
TESTS = """\
models:
  - {name: orders, columns: [{name: id, data_tests: [not_null]}]}
  - {name: ranked, columns: [{name: id, data_tests: [unique]}]}
  - name: below_aside
    columns: [{name: id, data_tests: [{relationships: {arguments: {to: "ref('orders')", field: id}}}]}]
"""
SOURCES = """\
sources:
  - {name: raw, tables: [{name: orders}, {name: payments}]}
  - {name: ml, tables: [{name: scores}]}
"""
SELECTIONS = [
    "load",
    "step:load",
    "load+",
    "load+1",
    "load+2",
    "+push",
    "1+push",
    "2+push",
    "+push+",
    "@score",
    "score+ aside",
    "+ranked",
    "1+ranked",
    "+joined",
    "orders+",
    "orders+1",
    "@orders",
    "+ranked+",
    "aside+",
    "+below_aside",
    "tag:edge",
    "tag:edge+",
    "step:*",
    "ready",
    "+orders +payments",
    "resource_type:test",
]
EXCLUSIONS = [
    ("", "load"),
    ("", "score+"),
    ("+push", "+joined"),
    ("load+", "push"),
    ("", "tag:edge"),
]


def _call(parent: str) -> str:
    if not parent.startswith("source:"):
        return f"ref('{parent}')"
    source, table = parent.removeprefix("source:").split(".")
    return f"source('{source}', '{table}')"


def sql(parents: tuple[str, ...], tag: str = "") -> str:
    config = f"{{{{ config(tags=['{tag}']) }}}}" if tag else ""
    reads = " ".join(f"-- {{{{ {_call(parent)} }}}}" for parent in parents)
    return f"{config} select 1 as id {reads}"


@pytest.fixture
def shop(write_product: WriteProduct) -> CompiledArtifacts:
    folder = write_product(
        floe=FLOE.replace("JOBS", ""), **{name: sql(parents) for name, parents in MODELS.items()}
    )
    (folder / "models/schema.yml").write_text(TESTS + SOURCES)
    compile_product(folder)
    return CompiledArtifacts.load(folder)


@pytest.fixture
def oracle(write_product: WriteProduct) -> Callable[[str, str], set[str]]:
    """Return a function that asks dbt, in a project where steps are models: names of nodes."""
    tags = {"load": "edge", "push": "edge"}
    models = {name: sql(parents, tags.get(name, "")) for name, parents in STEPS.items()}
    for name, parents in MODELS.items():
        writers = (WRITERS.get(p.removeprefix("source:"), p) for p in parents)
        models[name] = sql(tuple(dict.fromkeys(writers)))
    folder = write_product(folder="oracle", **models)
    (folder / "models/schema.yml").write_text(TESTS)
    (folder / "profiles.yml").write_text(
        "shop: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:'}}}\n"
    )
    places = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--quiet"]
    manifest = dbtRunner().invoke(["parse", *places]).result

    def listed(select: str, exclude: str) -> set[str]:
        words = ["--select", *select.split()] if select else []
        words += ["--exclude", *exclude.split()] if exclude else []
        outcome = dbtRunner(manifest=manifest).invoke(["ls", *places, "--output", "name", *words])
        assert outcome.success, outcome.exception
        return set(outcome.result)

    return listed


def in_words_of_dbt(selection: str) -> str:
    """Return a selection for the oracle, which has no steps to name."""
    everything = " ".join(STEPS)
    return selection.replace("step:*", everything).replace("step:", "")


def names(artifacts: CompiledArtifacts, node_ids: Collection[str]) -> set[str]:
    return {artifacts.by_id[node_id].name for node_id in node_ids}


def test_steps_are_selected_as_models_are(
    shop: CompiledArtifacts, oracle: Callable[[str, str], set[str]]
) -> None:
    for select in SELECTIONS:
        expected = oracle(in_words_of_dbt(select), "")
        assert names(shop, ids_listed(shop, select, "")) == expected, select


def test_jobs_select_and_exclude_steps(
    write_product: WriteProduct, oracle: Callable[[str, str], set[str]]
) -> None:
    jobs = "".join(
        f"  - {{name: job{number}, {f'select: {chr(34)}{select}{chr(34)}, ' if select else ''}"
        f'exclude: "{exclude}"}}\n'
        for number, (select, exclude) in enumerate(EXCLUSIONS)
    )
    folder = write_product(
        floe=FLOE.replace("JOBS", f"jobs:\n{jobs}"),
        **{name: sql(parents) for name, parents in MODELS.items()},
    )
    (folder / "models/schema.yml").write_text(TESTS + SOURCES)
    artifacts = compile_product(folder)
    for number, (select, exclude) in enumerate(EXCLUSIONS):
        taken = artifacts.job(f"job{number}").node_ids
        assert taken is not None
        assert names(artifacts, taken) == oracle(select, exclude), (select, exclude)


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ("load,tag:edge", "load,tag:edge: a step can't be intersected with ','; name it by itself"),
        ("step:lod", "step:lod: the product has no such step"),
    ],
)
def test_what_a_step_cannot_do_in_a_selection_is_said(
    shop: CompiledArtifacts, select: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        ids_listed(shop, select, "")


def test_a_wrong_step_in_a_job_is_an_error_of_its_line(write_product: WriteProduct) -> None:
    folder = write_product(
        floe=FLOE.replace("JOBS", "jobs:\n  - {name: nightly, select: step:lod}\n"),
        **{name: sql(parents) for name, parents in MODELS.items()},
    )
    (folder / "models/schema.yml").write_text(TESTS + SOURCES)
    with pytest.raises(InvalidProductError) as error:
        compile_product(folder)
    [problem] = error.value.problems
    assert (problem.file, problem.line) == ("floe.yaml", 11)
    assert "the product has no such step" in problem.what
