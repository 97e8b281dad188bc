"""A compile that builds on earlier parses writes the bytes of one that parses everything.

Random edits of a product, each followed by both compiles. The oracle is the whole parse.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from floe_core.compiler.compile_product import prepare_product
from floe_core.compiler.dbt import parse
from floe_core.compiler.dbt.parse import using
from floe_core.dbt.ask import Answer
from floe_core.dbt.call import DbtCall
from floe_core.foundation.errors import FloeError
from floe_dev.earlier_parses import ParsesInMemory
from floe_dev.kept_parses import FILE, is_partly_parsed, model_paths, using_kept_parses
from floe_dev.product_files import ProductFiles

sys.path.insert(0, str(Path(__file__).parents[1]))
from edited_properties import PropertyEdits
from edited_shop import FILES, write_shop

ROOT = Path(__file__).parents[4]
Compiled = tuple[dict[str, bytes], str]
PACKAGE = {
    "dbt_project.yml": "name: extra\nversion: 1.0.0\n",
    "macros/extra.sql": "{% macro extra() %}1{% endmacro %}",
}


class Edits:
    """Random edits of a copy of examples/customer-360."""

    def __init__(self, folder: Path, seed: int) -> None:
        shutil.copytree(
            ROOT / "examples",
            folder,
            ignore=shutil.ignore_patterns(".floe", "target", "*.duckdb", "import", "shop"),
        )
        self.product = folder / "customer-360"
        self.manifest = folder / "manifest.yaml"
        self.chance = random.Random(seed)
        self.kinds: list[Callable[[], None]] = [
            *(self.append, self.append, self.tag, self.refer),
            *(self.write_macro, self.call_macro, self.describe, self.test),
            *(self.forget_tests, self.add, self.delete, self.rename),
            *(self.set_var, self.change_project, self.change_platform, self.add_package),
            *(self.seed, self.change_package),
        ]

    def edit(self) -> str:
        """Make one edit; return what it was."""
        chosen = self.chance.choice(self.kinds)
        chosen()
        return chosen.__name__

    def models(self, pattern: str = "*.sql") -> list[Path]:
        return sorted((self.product / "models").rglob(pattern))

    def append_to(self, path: Path, text: str) -> None:
        path.write_text(path.read_text() + text)

    def any_model(self) -> Path:
        return self.chance.choice(self.models())

    def append(self) -> None:
        self.append_to(self.any_model(), f"\n-- {self.chance.random()}")

    def tag(self) -> None:
        model = self.any_model()
        config = f"{{{{ config(tags=['t{self.chance.randrange(4)}']) }}}}\n"
        model.write_text(config + model.read_text())

    def refer(self) -> None:
        """Some of these make a cycle, which is an error of both."""
        self.append_to(self.any_model(), f"\n-- {{{{ ref('{self.any_model().stem}') }}}}")

    def write_macro(self) -> None:
        (self.product / "macros").mkdir(exist_ok=True)
        number = self.chance.randrange(2)
        text = f"{{% macro m{number}() %}}{self.chance.random()}{{% endmacro %}}"
        (self.product / f"macros/m{number}.sql").write_text(text)

    def call_macro(self) -> None:
        name = self.chance.choice(["m0", "m1", "extra.extra"])
        self.append_to(self.any_model(), f"\n-- {{{{ {name}() }}}}")

    def describe(self) -> None:
        file = self.chance.choice(self.models("*.yml"))
        words = f"description: d{self.chance.randrange(99)} "
        file.write_text(file.read_text().replace("description: ", words, 1))

    def test(self) -> None:
        """Of a model that is described elsewhere, it is an error of both."""
        name = self.any_model().stem
        text = f"models: [{{name: {name}, columns: [{{name: id, data_tests: [not_null]}}]}}]\n"
        (self.product / "models/more.yml").write_text(text)

    def forget_tests(self) -> None:
        (self.product / "models/more.yml").unlink(missing_ok=True)

    def add(self) -> None:
        number = self.chance.randrange(4)
        (self.product / f"models/new_{number}.sql").write_text(
            f"select {self.chance.random()} as id"
        )

    def delete(self) -> None:
        for model in self.models("new_*.sql")[:1]:
            model.unlink()

    def rename(self) -> None:
        for model in self.models("new_*.sql")[-1:]:
            model.rename(model.with_name(f"new_{self.chance.randrange(4, 8)}.sql"))

    def set_var(self) -> None:
        spec = self.product / "floe.yaml"
        lines = [line for line in spec.read_text().splitlines() if not line.startswith("vars:")]
        spec.write_text("\n".join([*lines, f"vars: {{day: {self.chance.randrange(9)}}}"]) + "\n")

    def change_project(self) -> None:
        self.append_to(self.product / "dbt_project.yml", f"\n# {self.chance.random()}\n")

    def change_platform(self) -> None:
        """The profile is made of it."""
        text = self.manifest.read_text()
        threads = f"threads: {self.chance.randrange(1, 5)}"
        if "threads:" in text:
            before = text.index("threads:")
            self.manifest.write_text(text[:before] + threads + text[before + len(threads) :])

    def add_package(self) -> None:
        """As `dbt deps` installs one."""
        for name, text in PACKAGE.items():
            path = self.product / "dbt_packages/extra" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self.product / "packages.yml").write_text("packages: [{local: dbt_packages/extra}]\n")

    def change_package(self) -> None:
        macro = self.product / "dbt_packages/extra/macros/extra.sql"
        if macro.exists():
            number = self.chance.random()
            macro.write_text(f"{{% macro extra() %}}{number}{{% endmacro %}}")

    def seed(self) -> None:
        seeds = sorted((self.product / "seeds").glob("*.csv"))
        last = seeds[0].read_text().splitlines()[-1]
        self.append_to(seeds[0], f"{last}\n")


def compiled(product: Path, parses: ParsesInMemory | None) -> Compiled:
    """Return the files of a compile but for dbt's own caches, and its error."""
    return compiled_in(using(parses), product)


def compiled_in(context: AbstractContextManager[None], product: Path) -> Compiled:
    try:
        with context:
            found = prepare_product(product, orchestrator="dagster").files
    except FloeError as error:
        return {}, str(error)
    return {name: text for name, text in found.items() if not name.endswith(".msgpack")}, ""


@contextmanager
def counted_parses() -> Iterator[Counter[str]]:
    """Count the words of the calls of dbt in the block."""
    counts, ask = Counter[str](), parse.ask_dbt

    def count(call: DbtCall, *more: Any) -> Answer:
        counts.update(call.arguments)
        return ask(call, *more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parse, "ask_dbt", count)
        yield counts


def replace(folder: Path, source: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(source, folder, symlinks=True)


def compare_after_edits(
    product: Edits | PropertyEdits, edits: int, kept: Path, compile_: Callable[[], Compiled]
) -> None:
    """Make edits, and compile after each as it is to be tested, and from nothing.

    `kept` becomes a copy of the product as it was when it last compiled.
    """
    good = 0
    shutil.copytree(product.product, kept, symlinks=True)
    for number in range(edits):
        what = product.edit()
        ours, whole = compile_(), compiled(product.product, None)
        assert ours == whole, f"after edit {number}, {what}"
        good += not whole[1]
        if not whole[1]:
            replace(kept, product.product)
        elif product.chance.random() < 0.8:
            # What is wrong is taken back, mostly at once.
            replace(product.product, kept)
    assert good > edits / 2


@pytest.mark.parametrize(
    ("seed", "edits"),
    [
        pytest.param(0, 12, marks=pytest.mark.long),
        *(pytest.param(seed, 200, marks=pytest.mark.slow) for seed in (1, 2)),
    ],
)
@pytest.mark.timeout(3000)
def test_random_edits(seed: int, edits: int, tmp_path: Path) -> None:
    product = Edits(tmp_path / "examples", seed)
    parses, files = ParsesInMemory(), ProductFiles(product.product)
    files.outside = (product.manifest,)
    before = files.snapshot()

    def compile_with_parses_in_memory() -> Compiled:
        nonlocal parses, before
        now = files.snapshot()
        if not is_partly_parsed(before, now, model_paths(product.product)):
            parses = ParsesInMemory()
        before = now
        return compiled(product.product, parses)

    compare_after_edits(product, edits, tmp_path / "kept", compile_with_parses_in_memory)


@pytest.mark.parametrize(
    ("seed", "edits"),
    [
        pytest.param(3, 12, marks=pytest.mark.long),
        *(pytest.param(seed, 200, marks=pytest.mark.slow) for seed in (4, 5)),
    ],
)
@pytest.mark.timeout(3000)
def test_random_edits_between_commands(seed: int, edits: int, tmp_path: Path) -> None:
    compare_with_parses_on_disk(Edits(tmp_path / "examples", seed), edits, tmp_path / "kept")


@pytest.mark.parametrize(
    ("seed", "edits"),
    [
        pytest.param(6, 12, marks=pytest.mark.long),
        *(pytest.param(seed, 200, marks=pytest.mark.slow) for seed in (7, 8)),
    ],
)
@pytest.mark.timeout(3000)
def test_random_edits_of_properties_between_commands(seed: int, edits: int, tmp_path: Path) -> None:
    compare_with_parses_on_disk(PropertyEdits(tmp_path, seed), edits, tmp_path / "kept")


def compare_with_parses_on_disk(product: Edits | PropertyEdits, edits: int, kept: Path) -> None:
    partial = 0

    def compile_with_parses_on_disk() -> Compiled:
        nonlocal partial
        with counted_parses() as counts:
            ours = compiled_in(using_kept_parses(product.product), product.product)
        partial += counts["--partial-parse"]
        return ours

    compare_after_edits(product, edits, kept, compile_with_parses_on_disk)
    assert partial > edits / 8


@pytest.mark.long
def test_a_variable_that_the_project_reads_is_not_written_and_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop"
    write_shop(shop, "dagster")
    model = shop / "models/marts/customers.sql"
    tag, word = "{{ config(tags=[env_var('SHOP_TAG')]) }}", "{{ env_var('SHOP_TOKEN') }}"
    model.write_text(f"{tag}\n{model.read_text()}\n-- {word}")
    secret = "hunter-2-hunter"
    monkeypatch.setenv("SHOP_TOKEN", secret)

    def partial(value: str) -> int:
        monkeypatch.setenv("SHOP_TAG", value)
        with counted_parses() as counts:
            ours = compiled_in(using_kept_parses(shop), shop)
        assert ours == compiled(shop, None)
        assert ours[1] == ""
        return counts["--partial-parse"]

    assert [partial(value) for value in ("first-tag", "first-tag", "second-tag")] == [0, 1, 0]
    text = (shop / ".floe" / FILE).read_bytes()
    assert b"SHOP_TAG" in text
    assert b"second-tag" not in text
    assert secret.encode() not in text
    monkeypatch.setenv("SHOP_TOKEN", "another-hunter")
    assert partial("second-tag") == 0


@pytest.mark.long
def test_variables_whose_values_are_names_of_others_keep_nothing_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop"
    write_shop(shop, "dagster")
    model = shop / "models/marts/customers.sql"
    tags = "{{ config(tags=[env_var('FIRST_NAME'), env_var('SECOND_NAME')]) }}"
    model.write_text(f"{tags}\n{model.read_text()}")
    monkeypatch.setenv("FIRST_NAME", "a-longer-value")
    monkeypatch.setenv("SECOND_NAME", "FIRST_NAME")
    for _ in range(3):
        ours = compiled_in(using_kept_parses(shop), shop)
        assert ours == compiled(shop, None)
        assert ours[1] == ""


@pytest.mark.long
def test_what_is_kept_counts_for_the_same_dbt_and_if_it_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop"
    write_shop(shop, "dagster")

    def partial() -> int:
        with counted_parses() as counts:
            assert compiled_in(using_kept_parses(shop), shop)[1] == ""
        return counts["--partial-parse"]

    assert [partial(), partial()] == [0, 1]
    (tmp_path / "site" / "dbt_extra-1.0.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert [partial(), partial()] == [0, 1]
    monkeypatch.setenv("DBT_STATIC_PARSER", "false")
    assert [partial(), partial()] == [0, 1]
    kept = shop / ".floe" / FILE
    for damage in (b"", kept.read_bytes()[:1000], b"\xc1", b"\x01"):
        kept.write_bytes(damage)
        assert [partial(), partial()] == [0, 1]
    kept.unlink()
    kept.symlink_to(tmp_path / "elsewhere")
    assert partial() == 0
    assert not (tmp_path / "elsewhere").exists()
    kept.unlink()
    kept.mkdir()
    assert [partial(), partial()] == [0, 0]
    (tmp_path / "a file").touch()
    monkeypatch.setenv("FLOE_STATE_DIR", str(tmp_path / "a file"))
    assert [partial(), partial()] == [0, 0]


@pytest.mark.long
def test_tests_of_a_model_that_is_missing_for_a_while(tmp_path: Path) -> None:
    """As while it is renamed, or on another branch."""
    shop = tmp_path / "shop"
    write_shop(shop, "dagster")
    model, other = shop / "models/marts/customers.sql", shop / "models/marts/orders.sql"
    sql, parses = model.read_text(), ParsesInMemory()
    for change in (
        lambda: None,
        model.unlink,
        lambda: other.write_text(f"{other.read_text()} -- a change"),
        lambda: model.write_text(sql),
    ):
        change()
        ours, whole = compiled(shop, parses), compiled(shop, None)
        assert whole[1] == ""
        assert ours == whole


UNIT_TEST = """\
unit_tests:
- name: totals
  model: customers
  given: [{input: ref('orders'), rows: []}, {input: ref('stg_customers'), rows: []}]
  expect: {rows: []}
"""
OFF = "{{ config(enabled=false) }}\n"
TESTS = (
    "models: [{name: orders, config: {group: sales}, columns: [{name: id, data_tests: [unique]}]}]"
)
GROUP = "groups: [{name: NAME, owner: {name: ada}}]"
SNAPSHOT = """\
snapshots:
- name: orders_over_time
  relation: ref('orders')
  config: {unique_key: id, strategy: check, check_cols: all}
"""
# What dbt's partial parse does not get right: files before, and files after an edit.
EDITS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "a model with a unit test is disabled": (
        {"models/unit.yml": UNIT_TEST},
        {"models/marts/customers.sql": OFF + FILES["models/marts/customers.sql"]},
    ),
    "a model with a unit test is disabled where it is described": (
        {"models/unit.yml": UNIT_TEST},
        {"models/schema.yml": "models: [{name: customers, config: {enabled: false}}]"},
    ),
    "a model becomes private in its file": (
        {"models/schema.yml": TESTS, "models/groups.yml": GROUP.replace("NAME", "sales")},
        {
            "models/marts/orders.sql": "{{ config(access='private') }}\n"
            + FILES["models/marts/orders.sql"]
        },
    ),
    "a block of docs changes, of a model that a described test reads": (
        {
            "models/docs.md": "{% docs all %}All{% enddocs %}",
            "models/schema.yml": "models: [{name: orders, description: \"{{ doc('all') }}\"}]\n"
            "data_tests: [{name: no_negative_amount, description: none}]",
        },
        {"models/docs.md": "{% docs all %}All of them{% enddocs %}"},
    ),
    "something is described in the file that defines a snapshot": (
        {"models/over_time.yml": SNAPSHOT},
        {"models/over_time.yml": f"{SNAPSHOT}exposures: []\n"},
    ),
    "one of two models with one name is enabled": (
        {"models/orders.sql": f"{OFF}select 1 as id"},
        {"models/orders.sql": "select 1 as id"},
    ),
    "a macro in a folder of models changes": (
        {
            "dbt_project.yml": f"{FILES['dbt_project.yml']}macro-paths: [macros, models/macros]\n",
            "models/macros/tag.sql": "{% macro tag() %}one{% endmacro %}",
            "models/marts/orders.sql": "{{ config(tags=[tag()]) }}\n"
            + FILES["models/marts/orders.sql"],
        },
        {"models/macros/tag.sql": "{% macro tag() %}two{% endmacro %}"},
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("case", EDITS)
def test_an_edit_that_changes_more_than_its_file(case: str, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    write_shop(shop, "dagster")
    for files in EDITS[case]:
        for name, text in files.items():
            (shop / name).parent.mkdir(exist_ok=True)
            (shop / name).write_text(text)
        ours = compiled_in(using_kept_parses(shop), shop)
        assert ours == compiled(shop, None)


@pytest.mark.long
def test_an_edit_that_changes_no_more_than_its_file_is_parsed_once(tmp_path: Path) -> None:
    product = PropertyEdits(tmp_path, 0).product
    _ = compiled_in(using_kept_parses(product), product)
    tests = "columns: [{name: id, data_tests: [unique, not_null]}]"
    for name, text in {
        "models/a.sql": "-- a comment",
        "models/v_v1.sql": "-- {{ ref('b') }}",
        "models/b.sql": "{{ config(tags=['t'], meta={'a': 1}) }}",
        "models/one.yml": "# a comment",
        "models/more.yml": f"models: [{{name: d, {tests}}}]",
    }.items():
        with (product / name).open("a") as file:
            file.write(f"{text}\n")
        with counted_parses() as counts:
            assert compiled_in(using_kept_parses(product), product)[1] == ""
        is_new = name == "models/more.yml"
        assert (counts["--partial-parse"], counts["--no-partial-parse"]) == (not is_new, is_new)
