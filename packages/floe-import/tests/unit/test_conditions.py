"""What a condition decides. The oracle is Python, which executes the file in the same environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from executed_imports import HEAD, MORE, check_selections, imported, unknown_codes
from import_reports import report_of
from warm_floe import floe

from floe_import.python.given_values import GivenValues

ENV = "import os\nENV = os.getenv('ENV', 'dev')\n"
VARIABLE = "from airflow.sdk import Variable\n"
GROUP = "DbtTaskGroup(group_id='g', render_config=render, MORE)\n"
ARMS = """\
if ENV == 'prod':
    render = RenderConfig(select=['tag:prod'])
elif ENV in ('dev', 'test'):
    render = RenderConfig(exclude=['tag:' + ENV.upper()])
else:
    render = RenderConfig(select=['none'])
"""
# Name -> the file, and whether its condition is decided without a value of the environment.
DECIDED = {
    "a constant": "IS_PROD = False\nrender = RenderConfig(select=['a' if IS_PROD else 'b'])\n"
    + GROUP,
    "no constant but None": "X = None\nrender = RenderConfig(select=['a'])\n"
    "if X is not None:\n    render = RenderConfig(select=['b'])\n" + GROUP,
    "the last one that holds": "MODE = 'x'\nrender = RenderConfig()\nif MODE == 'x':\n"
    "    render = RenderConfig(select=['b'])\nif MODE == 'y':\n    render = None\n" + GROUP,
    "and, or, not": "A, B = 1, 0\nONE = 1\nTWO = 0\n"
    "render = RenderConfig(select=[(ONE and 'a') or 'b', (TWO and 'c') or 'd', 'e' if not TWO else 'f'])\n"
    + GROUP,
    "a chain": "N = 3\nrender = RenderConfig(select=['in' if 1 < N <= 3 else 'out'])\n" + GROUP,
    "both arms make one": "IS_PROD = True\nif IS_PROD:\n    render = RenderConfig(select=['a'])\n    "
    + GROUP
    + "else:\n    render = RenderConfig(select=['b'])\n    "
    + GROUP,
    "an arm within an arm": "A = True\nB = False\nrender = RenderConfig(select=['a'])\n"
    "if A:\n    if B:\n        render = RenderConfig(select=['b'])\n"
    "    else:\n        render = RenderConfig(select=['c'])\n" + GROUP,
    "a dict": "KIND = 'b'\nrender = {'a': RenderConfig(), 'b': RenderConfig(select=['b'])}[KIND]\n"
    + GROUP,
}
CHAIN = "".join(f"if N == {n}:\n    N = {n + 1}\n" for n in range(40))
DECIDED["a long chain"] = (
    f"N = 0\n{CHAIN}render = RenderConfig(select=['m' if N == 40 else 'n'])\n" + GROUP
)
DECIDED["a long chain and functions"] = (
    "N = 0\n"
    + "".join(f"def f{n}():\n    if N == {n}:\n        return N\n" for n in range(40))
    + CHAIN
    + "def pick():\n    return RenderConfig(select=['a' if N == 3 else 'b'])\nrender = pick()\n"
    + CHAIN
    + GROUP
)
# Name -> the file, and the values that are given.
GIVEN: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "an arm": (ENV + ARMS + GROUP, {"ENV": "prod"}, {}),
    "another one": (ENV + ARMS + GROUP, {"ENV": "dev"}, {}),
    "the default": (ENV + ARMS + GROUP, {"ENV": ""}, {}),
    "the last one": (ENV + ARMS + GROUP, {"ENV": "qa"}, {}),
    "lower case": (
        "import os\nIS_PROD = os.environ.get('IS_PROD', 'false').lower() == 'true'\n"
        "render = RenderConfig(select=['p']) if IS_PROD else RenderConfig(select=['q'])\n" + GROUP,
        {"IS_PROD": "True"},
        {},
    ),
    "a number": (
        "import os\nN = int(os.getenv('N', '0'))\n"
        "render = RenderConfig(select=['few' if N < 10 else 'many', 'some' if N else 'none'])\n"
        + GROUP,
        {"N": "0"},
        {},
    ),
    "none that is set": (
        "import os\nTAG = os.environ.get('TAG')\n"
        "render = RenderConfig(select=['a' if TAG is None else 'b', 'c' if not TAG else 'd'])\n"
        + GROUP,
        {"TAG": ""},
        {},
    ),
    "or a default": (
        "import os\nKIND = os.getenv('KIND') or 'x'\n"
        "render = RenderConfig(select=['a' if KIND == 'x' else 'b'])\n" + GROUP,
        {"KIND": ""},
        {},
    ),
    "or another one": (
        "import os\nrender = RenderConfig(select=['a' if os.getenv('A') or os.getenv('B') else 'b'])\n"
        + GROUP,
        {"A": "", "B": "1"},
        {},
    ),
    "a lookup": (
        "import os\nRENDERS = {'dev': RenderConfig(select=['d']), 'prod': RenderConfig()}\n"
        "render = RENDERS[os.environ['ENV']]\n" + GROUP,
        {"ENV": "dev"},
        {},
    ),
    "a lookup with a default": (
        ENV + "RENDERS = {'dev': RenderConfig(select=['d'])}\n"
        "render = RENDERS.get(ENV, RenderConfig(select=['other']))\n" + GROUP,
        {"ENV": "qa"},
        {},
    ),
    "two texts": (
        "import os\nrender = RenderConfig(select=['a'])\n"
        "if f\"{os.environ['A']}-{os.environ['B']}\" == 'x-y':\n    render = RenderConfig(select=['b'])\n"
        + GROUP,
        {"A": "x", "B": "y"},
        {},
    ),
    "a function": (
        ENV + "def pick():\n    return RenderConfig(select=['p' if ENV == 'prod' else 'd'])\n"
        "render = pick()\n" + GROUP,
        {"ENV": "prod"},
        {},
    ),
    "a Variable": (
        VARIABLE + "render = RenderConfig(select=['tag:' + Variable.get('tag')])\n" + GROUP,
        {},
        {"tag": "x"},
    ),
    "a Variable with a default, of JSON": (
        VARIABLE
        + "render = RenderConfig(select=Variable.get('tags', default=[], deserialize_json=True))\n"
        + GROUP,
        {},
        {"tags": '["x", "y"]'},
    ),
    "groups of a condition": (
        ENV + "if ENV == 'prod':\n    DbtTaskGroup(group_id='a', MORE)\nelse:\n"
        "    DbtTaskGroup(group_id='b', render_config=RenderConfig(select=['b']), MORE)\n",
        {"ENV": "dev"},
        {},
    ),
    "a loop": (
        ENV + "for name in ['a', 'b']:\n    if ENV == 'prod' or name == 'a':\n"
        "        DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[name]), MORE)\n",
        {"ENV": "dev"},
        {},
    ),
}
# Without the values, nothing is guessed.
UNDECIDED = {
    "no value": ENV + ARMS + GROUP,
    "a lookup": ENV + "render = {'dev': RenderConfig()}.get(ENV)\n" + GROUP,
    "a lookup of a default": ENV
    + "KIND = {'prod': 'a'}.get(ENV, 'b')\nrender = RenderConfig(select=[KIND])\n"
    + GROUP,
    "a default that is a variable": "import os\nKIND = os.getenv('A', os.getenv('B'))\n"
    "render = RenderConfig(select=['a' if KIND == 'x' else 'b'])\n" + GROUP,
    "a number": "import os\nrender = RenderConfig(select=['a' if int(os.getenv('N', '0')) else 'b'])\n"
    + GROUP,
    "a Variable": VARIABLE
    + "render = RenderConfig(select=[Variable.get('tag', default='x')])\n"
    + GROUP,
    "a long chain": f"import os\nN = len(os.listdir())\n{CHAIN}render = RenderConfig(select=[f'm{{N}}'])\n"
    + GROUP,
    "what a run knows": "import os\nrender = RenderConfig()\nif os.path.exists('/x'):\n"
    "    render = RenderConfig(select=['b'])\n" + GROUP,
    "itself": "render = RenderConfig(select=['a'])\nwhile render:\n    if render:\n        render = None\n"
    + GROUP,
    "try": "render = RenderConfig(select=['a'])\ntry:\n    render = RenderConfig(select=['b'])\n"
    "except ValueError:\n    pass\n" + GROUP,
    "a list beside a tuple": "render = RenderConfig(select=['a' if [1] == (1,) else 'b'])\n"
    + GROUP,
}


def airflow_with(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `airflow.sdk` have these Variables, for a file that is executed."""

    class Variable:
        @staticmethod
        def get(key: str, default: Any = None, deserialize_json: bool = False) -> Any:
            found = variables.get(key)
            if found is None:
                return default
            return json.loads(found) if deserialize_json else found

    sdk = ModuleType("airflow.sdk")
    sdk.Variable = Variable  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "airflow.sdk", sdk)


@pytest.mark.parametrize("name", DECIDED)
def test_a_condition_of_constants_is_decided(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = imported(tmp_path, DECIDED[name])
    assert unknown_codes(report) == {"COS003"}
    assert "FLI009" not in {each.code for each in report.findings}
    check_selections(tmp_path, report, monkeypatch)


@pytest.mark.parametrize("name", GIVEN)
def test_a_condition_is_decided_by_what_the_user_gives(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, environment, variables = GIVEN[name]
    report = imported(tmp_path, text, GivenValues(environment, variables))
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
        if not value:
            monkeypatch.delenv(key)
    airflow_with(variables, monkeypatch)
    assert unknown_codes(report) == {"COS003"}
    assert "FLI009" in {each.code for each in report.findings}
    check_selections(tmp_path, report, monkeypatch)


@pytest.mark.parametrize("name", UNDECIDED)
def test_a_condition_that_nobody_decides_is_unknown(name: str, tmp_path: Path) -> None:
    assert imported(tmp_path, UNDECIDED[name]).files == {}


def test_the_report_says_which_value_to_give(tmp_path: Path) -> None:
    file = tmp_path / "dag.py"
    said = [
        f.sentence for f in imported(tmp_path, ENV + ARMS + GROUP).findings if f.code == "COS002"
    ]
    assert said == [
        "`render` depends on a condition (`ENV` is an environment variable: give its value by "
        f"--env ENV=VALUE) ({file}:10:5), and nothing is executed: decide its value"
    ]
    given = report_of(file, GivenValues({"ENV": "prod"}))
    said = [
        f"{f.place.line} {f.construct}: {f.sentence}" for f in given.findings if f.code == "FLI009"
    ]
    assert said == [
        "9 --env ENV=prod: read with this value; where it is another one, floe.yaml stays as it is"
    ]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--env", "ENV"), "--env ENV: write it as NAME=VALUE"),
        (("--variable", "=x"), "--variable =x: write it as NAME=VALUE"),
        (("--env", "A=1", "--env", "A=2"), "--env A is given twice"),
        (("--env", "EVN=prod"), "no file asks for the value of --env EVN=prod: correct its name"),
    ],
)
def test_a_value_that_cannot_be_used_is_an_error(
    option: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "dag.py"
    file.write_text(HEAD + (ENV + ARMS + GROUP).replace("MORE", MORE))
    done = floe("import", file, "--out", tmp_path / "out", *option)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "out").exists()
