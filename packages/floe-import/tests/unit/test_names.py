"""The value that a name has where it is read: the last one that it was given before."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import pytest
from import_reports import value_found

from floe_import.python.evaluate import evaluate
from floe_import.python.modules import read_module
from floe_import.python.values import Unknown

CERTAIN = [
    "a = 1\nfound = a\na = 2\n",
    "a = 1\na = 2\nfound = a\n",
    "a = 1\na = a + 1\nfound = a\n",
    "a = 1\na += 1\nfound = a\n",
    "for a in [1, 2]:\n    pass\na = 3\nfound = a\n",
    "if len('x'):\n    a = 1\nelse:\n    a = 2\na = 3\nfound = a\n",
    "a = 1\na = 2\ndef f():\n    return a\nfound = f()\n",
    "def same(x):\n    return lambda f: x\na = 1\n@same(a)\ndef a():\n    a = 2\nfound = 1\n",
    "with open(__file__) as a:\n    pass\na = 4\nfound = a\n",
]
DATACLASS = (
    "from dataclasses import dataclass, field\n@dataclass(frozen=True)\n"
    "class Config:\n    a: str\n    b: int = 2\n    c: list = field(default_factory=list)\n"
)
CERTAIN += [
    DATACLASS + "config = Config('x')\nfound = [config.a, config.b]\n",
    DATACLASS + "def make(a):\n    return Config(a=a + '!', b=3)\nfound = make('x').a\n",
    DATACLASS + "configs = {'one': Config('x'), 'two': Config('y', 4)}\nfound = configs['two'].b\n",
]
UNSURE = [
    DATACLASS + "found = Config('x').c\n",
    DATACLASS + "found = Config('x')\n",
    DATACLASS.replace("(frozen=True)", "") + "x = Config('x')\nx.a = 'y'\nfound = x.a\n",
    DATACLASS + "    def __post_init__(self):\n        object.__setattr__(self, 'a', 'z')\n"
    "found = Config('x').a\n",
    DATACLASS + "class More(Config):\n    a: str = 'y'\nfound = More().a\n",
    DATACLASS + "    @property\n    def d(self):\n        return self.a\nfound = Config('x').d\n",
    "class Config:\n    a: str = 'x'\n    def __init__(self):\n        self.a = 'y'\n"
    "found = Config().a\n",
    "a = 1\nfor i in [1, 2]:\n    found = a\n    a = 2\n",
    "a = 1\ndef f():\n    return a\na = 2\nfound = f()\n",
    "if len('x'):\n    a = 1\nelse:\n    a = 2\nfound = a\n",
    "a = 1\nfor a in [2, 3]:\n    found = a\n",
    "a = 1\nif len('x'):\n    a = 2\nfound = a\n",
    "a = 1\ntry:\n    raise ValueError\nexcept ValueError as a:\n    found = str(a)\n",
]


@pytest.mark.parametrize("text", CERTAIN)
def test_a_name_has_the_value_that_python_gives_it(text: str, tmp_path: Path) -> None:
    found, file = value_found(text, tmp_path)
    assert found == runpy.run_path(str(file))["found"]


@pytest.mark.parametrize("text", UNSURE)
def test_a_value_that_depends_on_the_run_is_not_guessed(text: str, tmp_path: Path) -> None:
    assert isinstance(value_found(text, tmp_path)[0], Unknown)


def test_a_decorator_is_looked_up_around_its_function(tmp_path: Path) -> None:
    file = tmp_path / "names.py"
    file.write_text(
        "from airflow.sdk import dag\n\n@dag()\ndef made():\n    dag = 1\n\n\ndag = made()\n"
    )
    module = read_module(file)
    (function,) = (n for n in ast.walk(module.tree) if isinstance(n, ast.FunctionDef))
    assert evaluate(function.decorator_list[0], module).name == "airflow.sdk.dag"


def test_another_file_has_the_last_value_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("a = 1\na = 2\n")
    assert value_found("from settings import a\nfound = a\n", tmp_path)[0] == 2
