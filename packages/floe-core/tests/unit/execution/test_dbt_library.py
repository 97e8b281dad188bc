"""floe without dbt-core: its modules load, and what needs dbt names both ways to get one."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import requires

import pytest
from borrowed_names import without

from floe_core.dbt import library
from floe_core.foundation.errors import EnvironmentProblemError

IMPORT_ALL = """\
import importlib, pkgutil, sys

class NoDbt:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("dbt", "dbt_common", "dbt_semantic_interfaces", "agate"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoDbt())
import floe_core
for found in pkgutil.walk_packages(floe_core.__path__, "floe_core."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
"""


def test_every_module_of_core_loads_without_dbt() -> None:
    subprocess.run([sys.executable, "-c", IMPORT_ALL], check=True)


def test_core_requires_no_dbt_but_for_its_extras() -> None:
    of_dbt = [text for text in requires("floe-orchestration") or () if text.startswith("dbt-")]
    assert of_dbt
    assert [text for text in of_dbt if "extra ==" not in text] == []


def test_a_missing_dbt_names_both_ways_to_get_one() -> None:
    with without("dbt.cli.main", "dbtRunner"), pytest.raises(EnvironmentProblemError) as caught:
        library.load_runner()
    told = str(caught.value)
    assert "pip install 'floe-orchestration[duckdb]'" in told
    assert "`execution.dbtExecutable` of floe.yaml" in told
    assert f"dbt-core {library.library_version()} can't be used as a library" in told


@pytest.mark.parametrize(
    ("python", "dbt", "advice"),
    [
        ((3, 14, 2), "1.11.16", "on Python 3.14, install dbt-core 1.12, or mashumaro 3.17 beside"),
        ((3, 14, 2), "1.12.6", "install a dbt-core and an adapter that support this Python"),
        ((3, 11, 7), "1.11.16", "install a dbt-core and an adapter that support this Python"),
    ],
)
def test_a_dbt_that_python_cannot_import_is_an_error_with_advice(
    python: tuple[int, ...], dbt: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __getattr__(self, name: str) -> None:
            raise TypeError('Field "schema" is not serializable')

    monkeypatch.setitem(sys.modules, "dbt.cli.main", Broken())  # type: ignore[misc]
    monkeypatch.setattr(library, "library_version", lambda: dbt)
    monkeypatch.setattr(sys, "version_info", python)
    with pytest.raises(EnvironmentProblemError) as caught:
        library.load_runner()
    where = f"dbt-core {dbt} can't be imported by Python {python[0]}.{python[1]}"
    assert str(caught.value).startswith(f'{where}: Field "schema" is not serializable; {advice}')
