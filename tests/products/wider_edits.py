"""Edits of what is around a random product: packages, files, properties, settings and catalogs."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from changing_files import write_data
from changing_product import KINDS, ChangingProduct, Model
from history_warehouses import Warehouse


class WiderEdits:
    """What may change around the SQL of a product that is in these folders."""

    def __init__(
        self,
        chance: random.Random,
        product: ChangingProduct,
        warehouse: Warehouse,
        folders: tuple[Path, Path],
    ) -> None:
        self.random, self.product = chance, product
        self.warehouse, self.folders = warehouse, folders

    def weighted(self) -> list[tuple[Callable[[], None], int]]:
        """Return each edit, and how often it comes."""
        return [
            (self.change_package, 3), (self.change_package_note, 1), (self.change_package_var, 2),
            (self.change_description, 2), (self.change_docs, 1), (self.move_config, 2),
            (self.change_seed_type, 1), (self.change_setting, 2), (self.change_type, 1),
            (self.change_extensions, 1), (self.change_collation, 3), (self.change_contract, 2),
            *([(self.change_file, 3)] if "from_file" in self.product.models else []),
        ]  # fmt: skip

    def begin(self) -> None:
        """Define the type that models use, write the files, and set each setting."""
        self._define_type()
        self.write_files()
        for name, (values, counts) in self.warehouse.session_settings.items():
            self._set(name, values[0], counts=counts)

    def change_package(self) -> None:
        self.product.package.added = self.random.randint(1, 9)

    def change_package_note(self) -> None:
        self.product.package.note = f"{{# {self.random.randint(0, 99)} #}}"
        self.product.package.version += 1

    def change_package_var(self) -> None:
        self.product.package.scale = self.random.randint(1, 5)

    def change_description(self) -> None:
        self._model(*KINDS, "seed").described += 1

    def change_docs(self) -> None:
        self.product.docs += 1

    def move_config(self) -> None:
        """Say the same of a model in schema.yml, or in its own file."""
        own = [m for m in self.product.order() if m.kind in KINDS and not m.is_packaged]
        model = self.random.choice(own)
        model.is_configured_in_yml = not model.is_configured_in_yml

    def change_seed_type(self) -> None:
        model = self._model("seed")
        model.seed_type = "" if model.seed_type else "bigint"

    def change_setting(self) -> None:
        """Change a setting of sessions, one that results may depend on or another."""
        name = self.random.choice(list(self.warehouse.session_settings))
        values, counts = self.warehouse.session_settings[name]
        self._set(name, self.random.choice(values), counts=counts)

    def _set(self, name: str, value: str, *, counts: bool) -> None:
        for folder in self.folders:
            self.warehouse.set(folder, name, value)
        if counts:
            self.product.settings[name] = value

    def _define_type(self) -> None:
        for folder in self.folders:
            self.warehouse.define_type(folder, self.product.type_order)

    def change_type(self) -> None:
        """Order the values of the type in another way."""
        self.product.type_order = not self.product.type_order
        self._define_type()

    def change_extensions(self) -> None:
        """Install or remove an extension that no model needs."""
        for folder in self.folders:
            self.product.extension = self.warehouse.toggle_extension(folder)

    def change_collation(self) -> None:
        """Give a column of words another collation."""
        worded = [
            m for m in self.product.order() if m.columns.get("w", ("", []))[0].startswith("word")
        ]
        if worded:
            model = self.random.choice(worded)
            model.columns["w"] = (self.product.word(), model.columns["w"][1])

    def change_contract(self) -> None:
        """Give all columns of a model a type that dbt enforces, another one, or none."""
        fitting = [m for m in self.product.order() if m.may_have_contract]
        if fitting:
            model = self.random.choice(fitting)
            model.contract = self.random.choice(
                [each for each in ("", "bigint", "integer") if each != model.contract]
            )

    def change_file(self) -> None:
        """Change a row of a file that a query reads; its size may stay as it was."""
        read = [m for m in self.product.order() if m.kind == "file" or m.knows == "file"]
        model = self.random.choice(read)
        self.random.choice(model.rows)[1] += 1
        self.write_files()

    def write_files(self) -> None:
        """Write all files that queries read."""
        for model in self.product.order():
            if model.kind == "file" or model.knows == "file":
                for folder in self.folders:
                    write_data(folder, model.name, model.rows)

    def _model(self, *kinds: str) -> Model:
        return self.random.choice([m for m in self.product.order() if m.kind in kinds])
