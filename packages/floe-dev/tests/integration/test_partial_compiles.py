"""A compile that builds on earlier parses writes the bytes of one that parses everything.

Random edits of a product, each followed by both compiles. The oracle is the whole parse.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.compiler.compile_product import prepare_product
from floe_core.compiler.dbt.earlier_parses import EarlierParses, using
from floe_core.foundation.errors import FloeError
from floe_dev.partial_parse import is_partly_parsed, model_paths
from floe_dev.product_files import ProductFiles, changes

sys.path.insert(0, str(Path(__file__).parents[1]))
from edited_shop import write_shop

ROOT = Path(__file__).parents[4]
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


def compiled(product: Path, parses: EarlierParses | None) -> tuple[dict[str, bytes], str]:
    """Return the files of a compile but for dbt's own caches, and its error."""
    try:
        with using(parses):
            found = prepare_product(product, orchestrator="dagster").files
    except FloeError as error:
        return {}, str(error)
    return {name: text for name, text in found.items() if not name.endswith(".msgpack")}, ""


def replace(folder: Path, source: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(source, folder, symlinks=True)


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
    parses, good, files = EarlierParses(), 0, ProductFiles(product.product)
    files.outside = (product.manifest,)
    before = files.snapshot()
    kept = tmp_path / "kept"
    shutil.copytree(product.product, kept, symlinks=True)
    for number in range(edits):
        what = product.edit()
        now = files.snapshot()
        if not is_partly_parsed(changes(before, now), model_paths(product.product)):
            parses = EarlierParses()
        before = now
        ours, whole = compiled(product.product, parses), compiled(product.product, None)
        assert ours == whole, f"after edit {number}, {what}"
        good += not whole[1]
        if not whole[1]:
            replace(kept, product.product)
        elif product.chance.random() < 0.8:
            # What is wrong is taken back, mostly at once.
            replace(product.product, kept)
    assert good > edits / 2


@pytest.mark.long
def test_tests_of_a_model_that_is_missing_for_a_while(tmp_path: Path) -> None:
    """As while it is renamed, or on another branch."""
    shop = tmp_path / "shop"
    write_shop(shop, "dagster")
    model, other = shop / "models/marts/customers.sql", shop / "models/marts/orders.sql"
    sql, parses = model.read_text(), EarlierParses()
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
