"""Random edits of a product with one of each thing that dbt parses, and of what describes them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from edited_shop import UNREADABLE

FILES = {
    "dbt_project.yml": """\
name: shop
version: 1.0.0
profile: shop
flags: {require_generic_test_arguments_property: true}
""",
    "floe.yaml": """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
""",
    "manifest.yaml": """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins: {orchestrator: {type: dagster}, compute: {type: duckdb}}
""",
    "seeds/raw.csv": "id,amount\n1,10\n",
    "macros/odd.sql": "{% macro odd(name) %}{{ name }} % 2{% endmacro %}\n",
    "macros/positive.sql": (
        "{% test positive(model, column_name) %}"
        "select * from {{ model }} where {{ column_name }} < 0{% endtest %}\n"
    ),
    "functions/twice.sql": "a * 2\n",
    "tests/fixtures/rows.csv": "id,amount\n1,10\n",
    "tests/one.sql": "select * from {{ ref('b') }} where false\n",
    "snapshots/k.sql": (
        "{% snapshot k %}{{ config(unique_key='id', strategy='check', check_cols='all') }}"
        " select * from {{ ref('b') }}{% endsnapshot %}\n"
    ),
    "models/a.sql": "select id, amount, {{ odd('id') }} as odd from {{ ref('raw') }}\n",
    "models/b.sql": "select id, amount from {{ ref('a') }}\n",
    "models/c.sql": "select id from {{ source('s', 't') }} join {{ ref('b') }} using (id)\n",
    "models/d.sql": "select id from {{ ref('c') }} join {{ ref('v') }} using (id)\n",
    "models/v_v1.sql": "select id from {{ ref('a') }}\n",
    "models/v_v2.sql": "select id, 2 as two from {{ ref('a') }}\n",
    "models/days.sql": "select cast('2026-01-01' as date) as date_day\n",
    "models/docs.md": "{% docs id %}The id.{% enddocs %}\n{% docs b %}All b.{% enddocs %}\n",
    "analyses/look.sql": "select * from {{ ref('b') }}\n",
}
_OWNER = {"name": "ada", "email": "ada@example.com"}
_TIME = {"standard_granularity_column": "date_day"}
# File of models -> key -> entries.
PROPERTIES: dict[str, dict[str, list[dict[str, Any]]]] = {
    "one": {
        "models": [
            {"name": "a", "columns": [{"name": "id", "data_tests": ["unique", "positive"]}]},
            {
                "name": "b",
                "description": "{{ doc('b') }}",
                "columns": [{"name": "id", "description": "{{ doc('id') }}"}],
            },
            {
                "name": "days",
                "time_spine": _TIME,
                "columns": [{"name": "date_day", "granularity": "day"}],
            },
        ],
        "groups": [{"name": "g", "owner": _OWNER}, {"name": "h", "owner": _OWNER}],
        "macros": [{"name": "odd", "description": "Whether it is odd."}],
        "unit_tests": [
            {
                "name": "u",
                "model": "b",
                "given": [{"input": "ref('a')", "rows": [{"id": 1, "amount": 2}]}],
                "expect": {"rows": [{"id": 1, "amount": 2}]},
            }
        ],
    },
    "two": {
        "models": [
            {
                "name": "c",
                "columns": [{"name": "id", "data_tests": [
                    {"relationships": {"arguments": {"to": "ref('b')", "field": "id"}}}
                ]}],
            },
            {
                "name": "v",
                "latest_version": 2,
                "columns": [{"name": "id", "data_tests": ["not_null"]}],
                "versions": [{"v": 1}, {"v": 2}],
            },
        ],
        "sources": [
            {
                "name": "s",
                "schema": "main",
                "tables": [
                    {"name": "t", "columns": [{"name": "id", "data_tests": ["unique"]}]},
                    {"name": "other"},
                ],
            }
        ],
        "seeds": [{"name": "raw", "columns": [{"name": "id", "data_tests": ["not_null"]}]}],
        "unit_tests": [
            {
                "name": "of_versions",
                "model": "v",
                "given": [{"input": "ref('a')", "format": "csv", "fixture": "rows"}],
                "expect": {"rows": [{"id": 1}]},
            }
        ],
    },
    "three": {
        "snapshots": [
            {
                "name": "y",
                "relation": "ref('c')",
                "config": {"unique_key": "id", "strategy": "check", "check_cols": "all"},
            },
            {"name": "k", "columns": [{"name": "id", "data_tests": ["unique"]}]},
        ],
        "exposures": [
            {
                "name": "e",
                "type": "dashboard",
                "owner": _OWNER,
                "depends_on": ["ref('b')", "source('s', 't')"],
            }
        ],
        "semantic_models": [
            {
                "name": "sales",
                "model": "ref('b')",
                "defaults": {"agg_time_dimension": "sold_on"},
                "entities": [{"name": "sale", "type": "primary", "expr": "id"}],
                "dimensions": [
                    {"name": "sold_on", "type": "time", "expr": "id", "type_params": {"time_granularity": "day"}}
                ],
                "measures": [{"name": "total", "agg": "sum", "expr": "amount"}],
            }
        ],
        "metrics": [
            {
                "name": "income",
                "label": "Income",
                "type": "simple",
                "type_params": {"measure": "total"},
            }
        ],
        "saved_queries": [{"name": "sold", "query_params": {"metrics": ["income"]}}],
        "functions": [
            {
                "name": "twice",
                "arguments": [{"name": "a", "data_type": "int"}],
                "returns": {"data_type": "int"},
            }
        ],
        "data_tests": [{"name": "one", "description": "None of b."}],
        "analyses": [{"name": "look", "description": "A look."}],
    },
}  # fmt: skip
_OFF = "{{ config(enabled=false) }}\n"
_Entry = tuple[str, str, dict[str, Any]]


class PropertyEdits:
    """Random edits of a product that is written into a folder; `product` is its place."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.product = folder / "shop"
        self.chance = random.Random(seed)
        self.number = 0
        self.what = ""
        for name, text in FILES.items():
            self.write(name, text)
        for name, document in PROPERTIES.items():
            self._write_properties(name, document)
        self.kinds: list[tuple[Callable[[], None], int]] = [
            (self.disable_file, 3), (self.enable_file, 3), (self.disable, 4), (self.enable, 4),
            (self.describe, 4), (self.move, 3), (self.drop, 2), (self.bring_back, 5),
            (self.rename, 1), (self.change_group, 2), (self.change_versions, 2),
            (self.refer_to_a_version, 1), (self.change_test, 3), (self.change_unit_test, 3),
            (self.change_dependency, 2), (self.refer, 3), (self.change_docs, 2),
            (self.move_file, 2), (self.rename_file, 1), (self.delete_file, 1),
            (self.restore_files, 3), (self.comment, 3), (self.disable_in_project, 1),
            (self.move_macros, 1), (self.change_fixture, 1),
        ]  # fmt: skip

    def edit(self) -> str:
        """Make one edit; return what it was."""
        self.number += 1
        [chosen] = self.chance.choices(*zip(*self.kinds, strict=True))
        try:
            chosen()
        except UNREADABLE:
            return self.edit()
        return f"{chosen.__name__} {self.what}"

    def write(self, name: str, text: str) -> None:
        path = self.product / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.what = name

    def _properties(self, name: str) -> dict[str, list[dict[str, Any]]]:
        path = self.product / f"models/{name}.yml"
        return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}

    def _write_properties(self, name: str, document: dict[str, Any]) -> None:
        kept = {key: entries for key, entries in document.items() if entries}
        self.write(f"models/{name}.yml", yaml.safe_dump(kept, sort_keys=False))

    def _entries(self, *keys: str) -> list[_Entry]:
        """Return file, key and entry of what is described under these keys, all if none is given."""
        return [
            (name, key, entry)
            for name in PROPERTIES
            for key, entries in self._properties(name).items()
            for entry in entries
            if not keys or key in keys
        ]

    def _an_entry(self, *keys: str) -> _Entry:
        return self.chance.choice(self._entries(*keys))

    def _put(self, name: str, key: str, entry: dict[str, Any]) -> None:
        """Write an entry, in the place of the one of its name."""
        document = self._properties(name)
        others = [each for each in document.get(key, []) if each["name"] != entry["name"]]
        self._write_properties(name, {**document, key: [*others, entry]})
        self.what = f"{key} {entry['name']} in {name}"

    def _take_out(self, name: str, key: str, entry: dict[str, Any]) -> None:
        document = self._properties(name)
        others = [each for each in document[key] if each["name"] != entry["name"]]
        self._write_properties(name, {**document, key: others})
        self.what = f"{key} {entry['name']} out of {name}"

    def _files(self) -> list[Path]:
        folders = ("models", "models/sub", "snapshots", "tests", "functions", "analyses")
        return sorted(file for each in folders for file in (self.product / each).glob("*.sql"))

    def _a_model(self) -> Path:
        return self.chance.choice(sorted((self.product / "models").rglob("*.sql")))

    def _rewrite(self, path: Path, change: Callable[[str], str]) -> None:
        self.write(str(path.relative_to(self.product)), change(path.read_text()))

    def disable_file(self) -> None:
        self._rewrite(self.chance.choice([*self._files(), self._a_model()]), _disabled)

    def enable_file(self) -> None:
        off = [each for each in self._files() if _OFF in each.read_text()]
        self._rewrite(self.chance.choice(off), lambda text: text.replace(_OFF, ""))

    def disable(self) -> None:
        name, key, entry = self._an_entry()
        part = self.chance.choice(entry["tables"]) if key == "sources" else entry
        part.setdefault("config", {})["enabled"] = False
        self._put(name, key, entry)

    def enable(self) -> None:
        off = [each for each in self._entries() if "'enabled': False" in str(each[2])]
        name, key, entry = self.chance.choice(off)
        for part in (entry, *entry.get("tables", [])):
            part.get("config", {}).pop("enabled", None)
        self._put(name, key, entry)

    def describe(self) -> None:
        name, key, entry = self._an_entry()
        if self.chance.random() < 0.5:
            entry["description"] = f"d{self.number}"
        else:
            entry.setdefault("config", {})["meta"] = {"number": self.number}
        self._put(name, key, entry)

    def move(self) -> None:
        name, key, entry = self._an_entry()
        self._take_out(name, key, entry)
        self._put(self.chance.choice([*PROPERTIES]), key, entry)

    def drop(self) -> None:
        self._take_out(*self._an_entry())

    def bring_back(self) -> None:
        """Some entry as it was at first, which may be another now, or elsewhere."""
        found = {(key, entry["name"]): name for name, key, entry in self._entries()}
        missing = [
            (name, key, entry)
            for name, document in PROPERTIES.items()
            for key, entries in document.items()
            for entry in entries
            if (key, entry["name"]) not in found or self.chance.random() < 0.05
        ]
        name, key, entry = self.chance.choice(missing)
        self._put(found.get((key, entry["name"]), name), key, entry)

    def rename(self) -> None:
        """Of what only its entry defines: what refers to it is then wrong."""
        kinds = ("exposures", "unit_tests", "metrics", "saved_queries", "semantic_models", "groups")
        name, key, entry = self._an_entry(*kinds)
        self._take_out(name, key, entry)
        self._put(name, key, {**entry, "name": f"{entry['name'][:8]}_{self.number}"})

    def change_group(self) -> None:
        name, key, entry = self._an_entry("models", "exposures", "seeds")
        config = entry.setdefault("config", {})
        config["group"] = self.chance.choice(["g", "h"])
        if key == "models":
            config["access"] = self.chance.choice(["private", "protected", "public"])
        if self.chance.random() < 0.4:
            config.pop("group")
            config.pop("access", None)
        self._put(name, key, entry)

    def change_versions(self) -> None:
        name, key, entry = next(each for each in self._entries("models") if "versions" in each[2])
        choice = self.chance.randrange(4)
        if choice == 0:
            entry["latest_version"] = 3 - entry["latest_version"]
        elif choice == 1:
            entry["versions"][0]["config"] = {"enabled": self.chance.random() < 0.5}
        elif choice == 2:
            self.write("models/v_v3.sql", f"select {self.number} as id\n")
            entry["versions"] = [{"v": 1}, {"v": 2}, {"v": 3}]
        else:
            entry["versions"] = [{"v": 1}, {"v": 2}]
            (self.product / "models/v_v3.sql").unlink(missing_ok=True)
        self._put(name, key, entry)

    def refer_to_a_version(self) -> None:
        version = self.chance.choice(["'v'", "'v', v=1", "'v', v=2"])
        self.write("models/d.sql", f"select id from {{{{ ref({version}) }}}}\n")

    def change_test(self) -> None:
        name, key, entry = self._an_entry("models", "seeds", "snapshots", "sources")
        part = self.chance.choice(entry.get("tables", [entry]))
        config = self.chance.choice([{"enabled": False}, {"severity": "warn"}, {"tags": ["x"]}])
        test = self.chance.choice(["not_null", "unique", {"positive": {"config": config}}])
        part["columns"] = [{"name": "id", "data_tests": [test]}]
        self._put(name, key, entry)

    def change_unit_test(self) -> None:
        name, key, entry = self._an_entry("unit_tests")
        if self.chance.random() < 0.5:
            entry["expect"] = {"rows": [{"id": self.number}]}
        else:
            entry["model"] = self.chance.choice(["a", "b", "c", "v"])
            entry["versions"] = {"include": [1]} if entry["model"] == "v" else None
        self._put(name, key, {k: v for k, v in entry.items() if v is not None})

    def change_dependency(self) -> None:
        model = self.chance.choice(["a", "b", "c", "v"])
        name, key, entry = self._an_entry("exposures", "semantic_models", "snapshots")
        if key == "exposures":
            entry["depends_on"] = [f"ref('{model}')"]
        else:
            entry["model" if key == "semantic_models" else "relation"] = f"ref('{model}')"
        self._put(name, key, entry)

    def refer(self) -> None:
        """Some of these make a cycle, which is an error of both."""
        name = self._a_model().stem.partition("_")[0]
        self._rewrite(self._a_model(), lambda text: f"{text}-- {{{{ ref('{name}') }}}}\n")

    def change_docs(self) -> None:
        path = self.product / "models/docs.md"
        if self.chance.random() < 0.5 and path.exists():
            path.rename(path.with_name(f"docs_{self.number}.md"))
            self.what = "renamed"
            return
        for each in path.parent.glob("docs*.md"):
            each.unlink()
        self.write("models/docs.md", FILES["models/docs.md"].replace("All", f"All {self.number}"))

    def move_file(self) -> None:
        """Between two folders of models."""
        path = self._a_model()
        models = self.product / "models"
        folder = models if path.parent != models else models / "sub"
        folder.mkdir(exist_ok=True)
        path.rename(folder / path.name)
        self.what = path.name

    def rename_file(self) -> None:
        """What describes it does not follow."""
        path = self._a_model()
        path.rename(path.with_name(f"{path.stem[:4]}_{self.number}.sql"))
        self.what = path.name

    def delete_file(self) -> None:
        path = self._a_model()
        path.unlink()
        self.what = path.name

    def restore_files(self) -> None:
        """Some model as it was at first, or one that is missing."""
        here = {path.stem for path in self._files()}
        names = [name for name in FILES if name.endswith(".sql") and not name.startswith("macros")]
        missing = [name for name in names if Path(name).stem not in here]
        name = self.chance.choice(missing or [n for n in names if (self.product / n).exists()])
        self.write(name, FILES[name])

    def comment(self) -> None:
        self._rewrite(self._a_model(), lambda text: f"{text}-- {self.number}\n")

    def disable_in_project(self) -> None:
        kinds = ["models", "snapshots", "seeds", "sources", "data_tests", "unit_tests", "exposures"]
        off = {self.chance.choice(kinds): {"shop": {"+enabled": False}}}
        given = off if self.chance.random() < 0.3 else {}
        project = yaml.safe_load(FILES["dbt_project.yml"])
        self.write("dbt_project.yml", yaml.safe_dump({**project, **given}))

    def move_macros(self) -> None:
        macros = self.product / "macros"
        for path in sorted(macros.glob("*.sql"))[:1]:
            path.rename(macros / f"macro_{self.number}.sql")
            self.what = path.name

    def change_fixture(self) -> None:
        self.write("tests/fixtures/rows.csv", f"id,amount\n1,{self.number}\n")


def _disabled(text: str) -> str:
    return text if _OFF in text else _OFF + text
