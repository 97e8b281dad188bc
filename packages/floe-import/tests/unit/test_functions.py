"""What the user's own functions return: Python itself says it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from import_reports import report_of, value_found

from floe_import.python.values import Unknown

CERTAIN = {
    "parameters": "def f(a, b):\n    return [a, b]\nfound = f(1, b=2)\n",
    "defaults": "n = 3\ndef f(a, b=n, *, c=5):\n    return [a, b, c]\nfound = f(1)\n",
    "a call in a call": "def f(a):\n    return [a]\nfound = f(f(f(1)))\n",
    "a function that calls another one": (
        "def f(a):\n    return a + 'f'\ndef g(a):\n    return f(a + 'g')\nfound = g('x')\n"
    ),
    "an early return": (
        "def f(a):\n    if a == 'prod':\n        return 1\n    return 2\n"
        "found = [f('prod'), f('dev')]\n"
    ),
    "arms that return": (
        "def f(a):\n    if a is None:\n        return 'none'\n    elif a:\n        return 'yes'\n"
        "    else:\n        return 'no'\nfound = [f(None), f(1), f(0)]\n"
    ),
    "a return without a value": (
        "def f(a):\n    if a:\n        return\n    return 2\nfound = [f(1), f(0)]\n"
    ),
    "an assignment that depends on a parameter": (
        "def f(a):\n    if a:\n        b = 'yes'\n    else:\n        b = 'no'\n    return b\n"
        "found = [f(1), f(0)]\n"
    ),
    "a parameter that is given another value": (
        "def f(a):\n    a = a + 'b'\n    return a\nfound = f('a')\n"
    ),
    "a function in a function": (
        "def f(a):\n    def g(b):\n        return [a, b]\n    return g(2)\nfound = f(1)\n"
    ),
    "a name of the file with a parameter's name": (
        "a = 'file'\ndef f(a):\n    return a\nfound = [f('given'), a]\n"
    ),
    "a dict that the function changes": (
        "def f(a):\n    made = {'x': 1}\n    made['y'] = a\n    return made\nfound = f(2)\n"
    ),
    "a static method": (
        "class C:\n    @staticmethod\n    def f(a):\n        return [a]\nfound = C.f(1)\n"
    ),
    "a return in a block": (
        "def f(a):\n    with open(__file__):\n        return a\nfound = f(1)\n"
    ),
    "a loop over calls": "def f(a):\n    return a + 'f'\nfound = [f(x) for x in ['a']]\n",
}
UNSURE = {
    "a loop": "def f(a):\n    for x in a:\n        return x\nfound = f([1])\n",
    "an exception": (
        "def f(a):\n    try:\n        return a\n    except ValueError:\n        return 0\nfound = f(1)\n"
    ),
    "what the run decides": (
        "def f(a):\n    if len(a):\n        return 1\n    return 2\nfound = f('a')\n"
    ),
    "itself": "def f(a):\n    return f(a) if a else 1\nfound = f(1)\n",
    "a decorator": (
        "def same(f):\n    return lambda a: 2\n@same\ndef f(a):\n    return a\nfound = f(1)\n"
    ),
    "a generator": "def f(a):\n    yield a\n    return a\nfound = f(1)\n",
    "unnamed arguments": "def f(*a):\n    return a[0]\nfound = f(1)\n",
    "arguments that are unpacked": "def f(a):\n    return a\nfound = f(*[1])\n",
    "a function that outlives the one around it": (
        "def f(a):\n    def g():\n        return a\n    return g\nh = f(1)\nfound = h()\n"
    ),
    "a parameter that the function changes": (
        "def f(a):\n    a.append(2)\n    return a\nfound = f([1])\n"
    ),
    "a name that the function changes for all": (
        "n = 1\ndef f():\n    global n\n    n = 2\n    return n\nf()\nfound = n\n"
    ),
}


@pytest.mark.parametrize("text", CERTAIN.values(), ids=CERTAIN)
def test_a_function_returns_what_python_says(text: str, tmp_path: Path) -> None:
    found, file = value_found(text, tmp_path)
    assert found == runpy.run_path(str(file))["found"]


@pytest.mark.parametrize("text", UNSURE.values(), ids=UNSURE)
def test_what_a_function_may_return_is_not_guessed(text: str, tmp_path: Path) -> None:
    assert isinstance(value_found(text, tmp_path)[0], Unknown)


def test_what_a_function_makes_is_written_by_its_value_and_the_function_goes(
    tmp_path: Path,
) -> None:
    file = tmp_path / "dag.py"
    file.write_text(
        "from cosmos import DbtTaskGroup, ProfileConfig, ProjectConfig, RenderConfig\n\n\n"
        "def project(name):\n    path = '/dbt/' + name\n    return ProjectConfig(path)\n\n\n"
        "def unused(*tags):\n    return RenderConfig(select=list(tags))\n\n\n"
        "DbtTaskGroup(group_id='g', project_config=project('shop'), profile_config=ProfileConfig('shop', 'prod'))\n"
    )
    report = report_of(file)
    assert "COS005" not in {each.code for each in report.findings}
    written = report.files["out/dags/dag.py"]
    assert "floe_task_group('/dbt/shop', group_id='g')" in written
    assert "cosmos" not in written
    assert "def " not in written
