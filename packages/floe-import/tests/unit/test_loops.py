"""Groups that a loop or a function of the file makes. The oracle is Python, which executes the file and the written one."""

from __future__ import annotations

from pathlib import Path

import pytest
from executed_imports import HEAD, check_selections, executed, imported, unknown_codes
from import_reports import report_of, short
from ruamel.yaml import YAML

# What makes groups, with a call that ends in `MORE`.
READ = {
    "a list": "for name in ['a', 'b']:\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[f'tag:{name}']), MORE)\n",
    "methods of texts": "for name in 'a-b,C-D'.lower().split(','):\n"
    "    render = RenderConfig(select=[name.replace('-', '_').removeprefix('a')])\n"
    "    DbtTaskGroup(group_id=name.upper(), render_config=render, MORE)\n",
    "the list that a loop goes over": "for each in [DbtTaskGroup(group_id='a', MORE), "
    "DbtTaskGroup(group_id='b', MORE)]:\n    print(each)\n"
    "else:\n    DbtTaskGroup(group_id='c', MORE)\n"
    "[print(each) for each in [DbtTaskGroup(group_id='d', MORE)]]\n",
    "a tuple, once": "for name in ('only',):\n    DbtTaskGroup(group_id=name, MORE)\n",
    "a constant that is named above": "LAYERS = ['Staging', 'marts']\nfor layer in LAYERS:\n"
    "    render = RenderConfig(select=['path:models/' + layer])\n"
    "    DbtTaskGroup(group_id=layer, render_config=render, MORE)\n",
    "the keys of a dict": "TAGS = {'x': 'nightly', 'y': 'hourly'}\nfor key in TAGS:\n"
    "    DbtTaskGroup(group_id=key, render_config=RenderConfig(select=['tag:' + TAGS[key]]), MORE)\n",
    "items": "for key, value in {'x': {'select': ['a']}, 'y': {'select': ['b', 'c']}}.items():\n"
    "    DbtTaskGroup(group_id=key, render_config=RenderConfig(select=value['select']), MORE)\n",
    "values with defaults": "for each in {'x': {'id': 'a', 'tag': 't'}, 'y': {'id': 'b'}}.values():\n"
    "    render = RenderConfig(select=['tag:' + each.get('tag', 'none')])\n"
    "    DbtTaskGroup(group_id=each['id'], render_config=render, MORE)\n",
    "enumerate": "for number, (one, two) in enumerate([('a', 'b'), ('c', 'd')], 3):\n"
    "    render = RenderConfig(select=[one], exclude=[two])\n"
    "    DbtTaskGroup(group_id=f'{one}_{number}', render_config=render, MORE)\n",
    "zip and range": "for name, number in zip(['a', 'b'], range(2)):\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[f'tag:{number}']), MORE)\n",
    "lists of comprehensions": "for start in range(2):\n"
    "    render = RenderConfig(select=[f'm_{i + start:03d}' for i in range(2)], "
    "exclude=list(f'{a}_{b}' for a, b in [('x', start)]))\n"
    "    DbtTaskGroup(group_id=f'g{start:>3}'.replace(' ', '_'), render_config=render, MORE)\n",
    "a set": "for name in {n for n in ['a', 'a']}:\n    DbtTaskGroup(group_id=name, MORE)\n"
    "for name in {'b', 'b'}:\n    DbtTaskGroup(group_id=name, MORE)\n",
    "nested": "for layer in ['stg', 'mart']:\n    for day in (1, 2):\n"
    "        render = RenderConfig(select=[f'tag:{layer}{day}'])\n"
    "        DbtTaskGroup(group_id=f'{layer}_{day}', render_config=render, MORE)\n",
    "an inner loop over the outer value": "for layer, days in {'a': [1], 'b': [2, 3]}.items():\n"
    "    for day in days:\n"
    "        render = RenderConfig(select=[f'tag:{layer}{day}'])\n"
    "        DbtTaskGroup(group_id=f'{layer}_{day}', render_config=render, MORE)\n",
    "a list of what is made": "made = [\n    DbtTaskGroup(group_id=f'g_{each}', "
    "render_config=RenderConfig(exclude=[each]), MORE)\n    for each in ['p', 'q']\n]\n",
    "a dict of what is made": "made = {each: DbtTaskGroup(group_id=each, "
    "render_config=RenderConfig(select=[each]), MORE) for each in 'p', }\n".replace(
        "'p', ", "['p']"
    ),
    "two loops of one name": "for each in ['a']:\n    render = RenderConfig(select=[each])\n"
    "    DbtTaskGroup(group_id=each, render_config=render, MORE)\n"
    "for each in ['b', 'c']:\n    render = RenderConfig(select=[each])\n"
    "    DbtTaskGroup(group_id=each, render_config=render, MORE)\n",
    "one id for all": "for team in ['x', 'y']:\n"
    "    DbtTaskGroup(group_id='dbt', render_config=RenderConfig(select=[f'tag:{team}']), MORE)\n",
    "a default id": "for team in ['x', 'y']:\n"
    "    DbtTaskGroup(render_config=RenderConfig(select=[f'tag:{team}']), MORE)\n",
    "some of it for all": "for team in ['x', 'y']:\n    DbtTaskGroup(group_id=team, MORE)\n",
    "calls of a function": "def group(name, tag='t', *, day=1):\n"
    "    render = RenderConfig(select=[f'{tag}_{day}'])\n"
    "    return DbtTaskGroup(group_id=name, render_config=render, MORE)\n"
    "group('a')\ngroup('b', 'x')\ngroup(tag='y', name='c', day=2)\n",
    "calls of a function in a loop": "def group(name):\n"
    "    for day in (1, 2):\n        render = RenderConfig(select=[f'{name}{day}'])\n"
    "        DbtTaskGroup(group_id=f'{name}_{day}', render_config=render, MORE)\n"
    "for each in ['a', 'b']:\n    group(each)\ngroup('c')\n",
    "a function that calls another": "def inner(name, tags):\n"
    "    return DbtTaskGroup(group_id=name, render_config=RenderConfig(select=tags), MORE)\n"
    "def outer(team):\n    inner(team + '_1', [team])\n    inner(team + '_2', [team, 'z'])\n"
    "outer('p')\nouter('q')\n",
    "within a function": "def make():\n    for team in ['x', 'y']:\n"
    "        DbtTaskGroup(group_id=team, render_config=RenderConfig(select=[team]), MORE)\nmake()\n",
    "a condition": "for name in ['a', 'b', 'c']:\n    if name != 'a' and len_ > 1:\n"
    "        DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[name]), MORE)\n".replace(
        "len_", "2"
    ),
    "arms": "for name, kind in [('a', 'x'), ('b', 'y'), ('c', 'z')]:\n"
    "    if kind == 'x':\n        render = RenderConfig(select=[name])\n"
    "    elif kind in ('y',):\n        render = RenderConfig(exclude=[name])\n"
    "    else:\n        render = RenderConfig(select=[kind] if kind else [])\n"
    "    DbtTaskGroup(group_id=name, render_config=render, MORE)\n",
    "a call in each arm": "for name in ['a', 'b', 'c']:\n    if name == 'a':\n"
    "        DbtTaskGroup(group_id=name, render_config=RenderConfig(select=['x']), MORE)\n"
    "    else:\n        DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[name]), MORE)\n",
    "continue": "for name in ['a', 'b', 'c']:\n    if name.startswith('b'):\n        continue\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[name]), MORE)\n",
    "continue after it": "for name in ['a', 'b']:\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[name]), MORE)\n"
    "    if name == 'a':\n        continue\n    print(name)\n",
    "conditions of two loops": "for one in [1, 2, 3]:\n    if one == 2:\n        continue\n"
    "    for two in [1, 2, 3]:\n        if two <= one:\n            render = RenderConfig(select=[f'm{one}{two}'])\n"
    "            DbtTaskGroup(group_id=f'g{one}{two}', render_config=render, MORE)\n",
    "some left out": "[DbtTaskGroup(group_id=n, render_config=RenderConfig(select=[n]), MORE) "
    "for n in ['a', 'b', 'c'] if n != 'b']\n"
    "for n in [x for x in ['d', 'e'] if not x == 'd']:\n"
    "    DbtTaskGroup(group_id=n, render_config=RenderConfig(select=[n]), MORE)\n",
    "a function that ends early": "def group(name, made=True):\n    if not made:\n        return None\n"
    "    return DbtTaskGroup(\n        group_id=name, render_config=RenderConfig(select=[name]), MORE\n    )\n"
    "group('a')\ngroup('b', False)\ngroup('c')\n",
    "a condition in a function": "def group(name, tests=None):\n    if tests is None:\n        tests = [name]\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=tests), MORE)\n"
    "group('a')\ngroup('b', ['x', 'y'])\n",
    "configuration made elsewhere": "CONFIGS = {'x': RenderConfig(select=['a']), 'y': "
    "RenderConfig(select=['b'])}\nfor key, render in CONFIGS.items():\n"
    "    DbtTaskGroup(group_id=key, render_config=render, MORE)\n",
    "a configuration that is passed on": "def group(name, render):\n"
    "    DbtTaskGroup(group_id=name, render_config=render, MORE)\nBOTH = RenderConfig(select=['a'])\n"
    "group('x', BOTH)\ngroup('y', render=RenderConfig(select=['b']))\ngroup('z', render=BOTH)\n",
    "a list that is changed": "NAMES = ['a']\nNAMES.append('b')\nfor name in NAMES:\n"
    "    DbtTaskGroup(group_id=name, MORE)\n",
}
UNREAD = {
    "a value that the file does not tell": "import os\nfor name in os.listdir('.'):\n"
    "    DbtTaskGroup(group_id=name, MORE)\n",
    "a condition that a run decides": "import os\nfor name in ['a', 'b']:\n    if name in os.listdir():\n"
    "        DbtTaskGroup(group_id=name, MORE)\n",
    "continue": "import os\nfor name in ['a', 'b']:\n    if name in os.listdir():\n        continue\n"
    "    DbtTaskGroup(group_id=name, MORE)\n",
    "some left out": "import os\n[DbtTaskGroup(group_id=n, MORE) for n in ['a', 'b'] if n in os.listdir()]\n",
    "break": "for name in ['a', 'b', 'c']:\n    DbtTaskGroup(group_id=name, MORE)\n    if name == 'b':\n"
    "        break\n",
    "a turn that is decided by the one before": "last = None\nfor name in ['a', 'b']:\n    if last:\n"
    "        DbtTaskGroup(group_id=name, MORE)\n    last = name\n",
    "while": "n = 2\nwhile n:\n    n -= 1\n    DbtTaskGroup(group_id=f'g{n}', MORE)\n",
    "a name that the loop changes": "for name in ['a', 'b']:\n    name = name + '_x'\n"
    "    DbtTaskGroup(group_id=name, MORE)\n",
    "the turn before": "render = None\nfor name in ['a', 'b']:\n"
    "    DbtTaskGroup(group_id=name, render_config=render, MORE)\n"
    "    render = RenderConfig(select=[name])\n",
    "an entry that is changed": "for each in [{'id': 'a'}, {'id': 'b'}]:\n"
    "    each['id'] += '_x'\n    DbtTaskGroup(group_id=each['id'], MORE)\n",
    "nothing that tells them apart": "for _ in [{}, {}]:\n    DbtTaskGroup(group_id='dbt', MORE)\n",
    "arguments that only some have": "for each in [{'group_id': 'a'}, {'group_id': 'b', "
    "'add_suffix_on_collision': True}]:\n    DbtTaskGroup(**each, MORE)\n",
    "a long chain of calls": "def group(name):\n    select = [name" + ".strip()" * 40 + "]\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=select), MORE)\n",
    "text of a variable": "import os\nfor name in os.environ['NAMES'].split(','):\n"
    "    DbtTaskGroup(group_id=name, MORE)\n",
    "a function that is passed on": "def group(name):\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[name]), MORE)\n"
    "for each in map(group, ['a']):\n    pass\ngroup('b')\n",
    "a function that always ends early": "def group(name):\n    if name == 'a':\n        return\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[name]), MORE)\n"
    "group('a')\n",
    "no call that gets there": "def group(name, made):\n    if made:\n"
    "        DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[name]), MORE)\n"
    "group('a', False)\n",
    "a function that calls itself": "def group(n):\n"
    "    DbtTaskGroup(group_id=f'g{n}', render_config=RenderConfig(select=[f'm{n}']), MORE)\n"
    "    n and group(n - 1)\ngroup(2)\n",
    "arguments by a star": "def group(name, tag):\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[tag]), MORE)\n"
    "group(*['a', 'b'])\n",
    "positional only": "def group(name, /, tag):\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[tag]), MORE)\n"
    "group('a', 'b')\n",
    "a parameter that is changed": "def group(name, tags):\n    tags.append('x')\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=tags), MORE)\n"
    "group('a', [])\n",
    "a call with a value of another file": "import os\ndef group(name):\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=[name]), MORE)\n"
    "group('a')\ngroup(os.getcwd())\n",
    "too many": "for n in range(101):\n    DbtTaskGroup(group_id=f'g{n}', MORE)\n",
    "none": "for n in []:\n    DbtTaskGroup(group_id=n, MORE)\n",
    "parts that do not fit": "for a, b in [('x', 'y', 'z')]:\n    DbtTaskGroup(group_id=a, MORE)\n",
    "one that is undecided": "for name, invented in [('a', 1), ('b', print)]:\n"
    "    DbtTaskGroup(group_id=name, render_config=RenderConfig(select=invented), MORE)\n",
}


@pytest.mark.parametrize("name", READ)
def test_a_loop_makes_the_same_groups(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = imported(tmp_path, READ[name])
    assert unknown_codes(report) == {"COS003"}
    check_selections(tmp_path, report, monkeypatch)


@pytest.mark.parametrize("name", UNREAD)
def test_a_loop_that_the_file_does_not_tell_stays_as_it_is(name: str, tmp_path: Path) -> None:
    report = imported(tmp_path, UNREAD[name])
    assert report.files == {}
    assert [each for each in short(report) if " unknown " in each and "COS003" not in each]


def test_each_product_of_a_loop_over_projects_has_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "dag.py"
    text = (
        "for name in ['a', 'b']:\n    DbtTaskGroup(project_config=ProjectConfig(f'/dbt/{name}'))\n"
    )
    file.write_text(HEAD + text)
    report = report_of(file)
    assert {"out/a/floe.yaml", "out/b/floe.yaml"} <= {*report.files}
    written = executed(report.files["out/dags/dag.py"], "floe_orchestrator_airflow", monkeypatch)
    assert [each["folder"] for each in written] == ["/dbt/a", "/dbt/b"]


def test_tasks_in_bash_of_a_loop_become_jobs(tmp_path: Path) -> None:
    file = tmp_path / "dag.py"
    file.write_text(
        "from airflow.providers.standard.operators.bash import BashOperator\n"
        "for name, command in [('seed', 'dbt seed'), ('run', 'dbt run -s tag:x')]:\n"
        "    BashOperator(task_id=name, bash_command=f'cd /dbt/shop && {command}')\n"
        "for each in ['dbt run', 'echo done']:\n"
        "    BashOperator(task_id=each[:3], bash_command=each, cwd='/dbt/shop')\n"
    )
    report = report_of(file)
    assert "5 BSH004 unknown BashOperator" in short(report)
    jobs = YAML(typ="safe").load(report.files["out/shop/floe.yaml"])["jobs"]
    assert [(each["name"], each["select"]) for each in jobs] == [
        ("seed", "resource_type:seed"),
        ("run", "tag:x,resource_type:model"),
    ]
    assert 'floe_task_group("/dbt/shop", job=name, group_id=name)' in report.files[
        "out/dags/dag.py"
    ].replace("'", '"')
