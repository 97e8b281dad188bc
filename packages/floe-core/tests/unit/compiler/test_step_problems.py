"""Wrong steps are refused, all at once, each at its line of floe.yaml with what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.compiler import compile_product
from floe_core.foundation.errors import InvalidProductError
from floe_core.schemas import CompiledArtifacts
from floe_diff.nodes import changed_nodes

WriteProduct = Callable[..., Path]

FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
steps:
"""
SOURCES = "sources: [{name: raw, tables: [{name: orders}, {name: payments}]}]\n"
MODELS = {
    "orders": "select * from {{ source('raw', 'orders') }}",
    "top": "select * from {{ ref('orders') }}",
}


def product(write_product: WriteProduct, *steps: str, folder: str = "product") -> Path:
    lines = "".join(f"  - {step}\n" for step in steps)
    root = write_product(folder=folder, floe=FLOE + lines, **MODELS)
    (root / "models/sources.yml").write_text(SOURCES)
    return root


def problems_of(folder: Path) -> list[str]:
    before = sorted(path.name for path in folder.rglob("*"))
    with pytest.raises(InvalidProductError) as caught:
        compile_product(folder)
    assert sorted(path.name for path in folder.rglob("*")) == before
    return [f"{p.file}:{p.line}: {p.what}; {p.fix}" for p in caught.value.problems]


def test_every_problem_of_the_steps_is_told_at_once(write_product: WriteProduct) -> None:
    folder = product(
        write_product,
        "{name: load, command: [x], writes: [raw.orders]}",
        "{name: load, command: [x]}",
        "{name: orders, command: [x]}",
        "{name: both, command: [x], python: 'a:b'}",
        "{name: neither}",
        "{name: again, command: [x], writes: [raw.orders]}",
        "{name: wrong_table, command: [x], writes: [raw.ordrs]}",
        "{name: wrong_model, command: [x], writes: [top]}",
        "{name: wrong_name, command: [x], writes: ['a b?']}",
        "{name: reads, command: [x], reads: [tpo, nothing_like_it]}",
        "{name: image, image: 'train:1', python: 'a:b'}",
    )
    assert problems_of(folder) == [
        "floe.yaml:7: step 'load' is defined twice; rename one",
        "floe.yaml:8: step 'orders' has the name of model.shop.orders; rename the step; selections "
        "go by name",
        "floe.yaml:9: step 'both' has to have one of 'command', 'python', 'dbt' and 'image'; keep one: a "
        "program, module:function, a dbt command, or a container image",
        "floe.yaml:10: step 'neither' has to have one of 'command', 'python', 'dbt' and 'image'; keep "
        "one: a program, module:function, a dbt command, or a container image",
        "floe.yaml:11: 'raw.orders' is written by step.shop.load as well; let one step write it",
        "floe.yaml:12: the dbt source 'raw' has no table for 'raw.ordrs'; did you mean "
        "'raw.orders'?",
        "floe.yaml:13: 'top' is built by dbt; name a source of the dbt project, or another dataset",
        "floe.yaml:14: 'a b?' is not a dataset name; write a name, such as crm.segments, or a "
        "URL, such as s3://bucket/segments",
        "floe.yaml:15: 'tpo' is not a dbt node, source or input port, and no step writes it; did you "
        "mean 'top'?",
        "floe.yaml:15: 'nothing_like_it' is not a dbt node, source or input port, and no step writes "
        "it; known are: orders, raw.orders, raw.payments, top",
        "floe.yaml:16: step 'image' has both an 'image' and 'python'; give the program in the image "
        "as 'command'",
    ]


def test_an_image_is_named_as_docker_names_it(write_product: WriteProduct) -> None:
    folder = product(write_product, "{name: train, image: 'Train It'}")
    assert problems_of(folder) == [
        "floe.yaml:6: steps.0.image: 'Train It' is not the name of a container image; write it as "
        "docker does, as in registry.example.com/shop/train:1.4"
    ]


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("{name: load, command: []}", "steps.0.command"),
        (
            "{name: Load, command: [x]}",
            "'Load' is not the name of a step; use lower-case letters, digits and underscores",
        ),
        (
            "{name: load, python: 'no function'}",
            "'no function' is not a function; write module:function, as in",
        ),
        (
            "{name: load, command: [x], pool: a b}",
            "steps.0.pool: 'a b' is not the name of a pool; use no spaces and none of / % & < >",
        ),
        ("{name: load, comand: [x]}", "unknown key 'comand'; did you mean 'command'?"),
        ("{name: load, command: [x], retries: -1}", "is less than 0"),
        ("{name: load, command: x}", "is no list"),
    ],
)
def test_a_field_of_another_form_is_refused(
    write_product: WriteProduct, step: str, problem: str
) -> None:
    [found] = problems_of(product(write_product, step))
    assert found.startswith("floe.yaml:6: ")
    assert problem in found


def test_steps_that_wait_for_each_other_are_refused(write_product: WriteProduct) -> None:
    folder = product(
        write_product, "{name: load, command: [x], reads: [top], writes: [raw.orders]}"
    )
    [found] = problems_of(folder)
    assert found.startswith("floe.yaml:6: steps and dbt nodes form a cycle: ")
    assert "change what step 'load' reads or writes" in found
    assert sorted(set(found.partition("cycle: ")[2].partition(";")[0].split(" -> "))) == [
        "load",
        "orders",
        "top",
    ]


def test_a_dataset_that_is_nearly_a_source_is_mentioned(write_product: WriteProduct) -> None:
    notices: list[str] = []
    folder = product(write_product, "{name: load, command: [x], writes: [raws.orders]}")
    compile_product(folder, on_notice=notices.append)
    assert notices == [
        "floe.yaml: 'raws.orders' is not a dbt source, so no model waits for it; did you mean "
        "'raw.orders'?"
    ]


def test_a_step_is_a_node_between_what_it_reads_and_writes(write_product: WriteProduct) -> None:
    folder = product(
        write_product,
        "{name: load, python: 'jobs:load', writes: [raw.orders, s3://lake/orders], owner: ops, "
        "tags: [b, a], retries: 2, timeoutSeconds: 60, description: Loads.}",
        "{name: push, command: [./push.sh, now], reads: [top, s3://lake/orders, raw.payments]}",
    )
    (folder / "jobs.py").write_text("def load(): ...\n")
    artifacts = compile_product(folder)
    load, push = artifacts.by_id["step.shop.load"], artifacts.by_id["step.shop.push"]
    assert (load.tags, load.owners, load.retries, load.timeout_seconds) == (
        ("a", "b"),
        ("ops",),
        2,
        60,
    )
    assert (load.path, load.description, load.depends_on) == ("jobs.py", "Loads.", ())
    assert push.depends_on == (
        "model.shop.top",
        "source.shop.raw.payments",
        "step.shop.load",
    )
    orders = artifacts.by_id["model.shop.orders"]
    assert orders.depends_on == ("source.shop.raw.orders", "step.shop.load")
    steps = artifacts.steps_by_id
    assert steps["step.shop.load"].sources == ("source.shop.raw.orders",)
    assert steps["step.shop.load"].datasets == ("s3://lake/orders",)
    assert steps["step.shop.push"].inputs == ("s3://lake/orders",)
    assert CompiledArtifacts.load(folder).steps == artifacts.steps


def test_another_command_or_another_file_is_a_difference(write_product: WriteProduct) -> None:
    before = product(write_product, "{name: load, python: 'jobs:load'}", folder="before")
    after = product(write_product, "{name: load, python: 'jobs:load'}", folder="after")
    (before / "jobs.py").write_text("def load(): ...\n")
    (after / "jobs.py").write_text("def load(): print()\n")
    [changed] = changed_nodes(compile_product(before), compile_product(after))
    assert (changed.unique_id, changed.has_new_code) == ("step.shop.load", True)
    third = product(write_product, "{name: load, python: 'jobs:lode'}", folder="third")
    (third / "jobs.py").write_text("def load(): ...\n")
    [changed] = changed_nodes(compile_product(before), compile_product(third))
    assert (changed.has_new_code, changed.has_new_config) == (False, True)
