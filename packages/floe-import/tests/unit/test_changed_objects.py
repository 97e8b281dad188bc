"""A list, dict or text that a file changes after it is made. The oracle is Python, which executes both files."""

from __future__ import annotations

from pathlib import Path

import pytest
from executed_imports import check_selections, imported, unknown_codes

from floe_import.python.given_values import GivenValues

GROUP = "DbtTaskGroup(group_id='g', render_config=RenderConfig(select=TAGS), MORE)\n"
# Name -> the file, and how many terms its group selects.
READ = {
    "a key": ("d = {'a': 1}\nd['b'] = 2\nTAGS = [k for k in d.keys()]\n" + GROUP, 2),
    "a key again": ("d = {'a': 1}\nd['a'] = 2\nTAGS = [f'{k}{v}' for k, v in d.items()]\n" + GROUP, 1),
    "update": ("d = {'a': 1}\nd.update({'b': 2}, c=3)\nTAGS = list(d.keys())\n" + GROUP, 3),
    "append": ("TAGS = ['a']\nTAGS.append('b')\n" + GROUP, 2),
    "extend": ("OTHERS = ['b', 'c']\nTAGS = ['a']\nTAGS.extend(OTHERS)\n" + GROUP, 3),
    "in an arm": ("ON = True\nTAGS = []\nif ON:\n    TAGS.append('a')\nelse:\n    TAGS.append('b')\n" + GROUP, 1),
    "in a function": ("def make():\n    TAGS = ['a']\n    TAGS.append('b')\n    " + GROUP + "make()\n", 2),
    "another name of that name": (
        "def other():\n    TAGS = []\n    TAGS.append('z')\n    return TAGS\nTAGS = ['a']\n" + GROUP, 1,
    ),
    "made again": ("TAGS = ['a']\nTAGS.append('b')\nTAGS = ['c']\n" + GROUP, 1),
    "unpacked": ("A, (B, TAGS) = 'a', ('b', ['c', 'd'])\nA, B = B, A\nTAGS = [A, B] if A == 'b' else []\n" + GROUP, 2),
    "unpacked from a function": (
        "def make():\n    render = RenderConfig(select=['a', 'b'])\n    return 'g', render\n"
        "name, chosen = make()\nDbtTaskGroup(group_id=name, render_config=chosen, MORE)\n", 2,
    ),
    "made by a function": (
        "def make():\n    \"\"\"Return tags.\"\"\"\n    prefix = 'tag:'\n    found = [prefix + 'a']\n"
        "    found.append('b')\n    print(found)\n    return found\nTAGS = make()\n" + GROUP, 2,
    ),
    "in place": ("TAGS = ['a']\nTAGS += ['b']\nTAGS += ['c']\n" + GROUP, 3),
    "a dict in place": ("d = {'a': 1}\nd |= {'b': 2}\nTAGS = list(d.keys())\n" + GROUP, 2),
    "in place, in an arm": ("ON = True\nTAGS = ['a']\nif ON:\n    TAGS += ['b']\nelse:\n    TAGS += ['c', 'd']\n" + GROUP, 2),
    "in place, of another kind": ("TAGS = ['a']\nTAGS += ('b',)\n" + GROUP, 2),
    "a text": ("TAG = 'tag:'\nTAG += 'a'\nTAGS = [TAG]\n" + GROUP, 1),
    "a text in steps": ("TAG = 'a'\nTAG += 'b'\nTAG += 'c'\nTAGS = [TAG, TAG + 'd']\n" + GROUP, 2),
    "a number": ("N = 1\nN += 2\nTAGS = [f'n{N}']\n" + GROUP, 1),
}  # fmt: skip
UNREAD = {
    "in a loop": "TAGS = []\nfor each in ['a', 'b']:\n    TAGS.append(each)\n" + GROUP,
    "by a function that decides": "def make():\n    if len('x'):\n        return ['a']\n    return ['b']\nTAGS = make()\n" + GROUP,
    "unpacked by a star": "*TAGS, last = ['a', 'b']\n" + GROUP,
    "unpacked in a loop": "for _ in [1, 2]:\n    TAGS, B = ['a'], 1\n" + GROUP,
    "by a generator": "def make():\n    yield 'a'\n    return ['b']\nTAGS = list(make())\n" + GROUP,
    "later": "TAGS = ['a']\n" + GROUP + "TAGS.append('b')\n",
    "by another name": "TAGS = ['a']\nother = TAGS\nother.append('b')\n" + GROUP,
    "of another name": "other = ['a']\nTAGS = other\nother.append('b')\n" + GROUP,
    "in place, later": "TAGS = ['a']\nrender = RenderConfig(select=TAGS)\nTAGS += ['b']\n"
    "DbtTaskGroup(group_id='g', render_config=render, MORE)\n",
    "in place, by another name": "TAGS = ['a']\nother = TAGS\nother += ['b']\n" + GROUP,
    "in place, of another name": "other = ['a']\nTAGS = other\nother += ['b']\n" + GROUP,
    "in place, in a loop": "TAGS = []\nfor each in ['a', 'b']:\n    TAGS += [each]\n" + GROUP,
    "a text in a loop": "TAG = 'a'\nfor each in ['b', 'c']:\n    TAG += each\nTAGS = [TAG]\n" + GROUP,
    "by a function": "TAGS = ['a']\ndef more():\n    TAGS.append('b')\nmore()\n" + GROUP,
    "a key that is computed": "import os\nd = {'a': 1}\nd[os.getcwd()] = 2\nTAGS = list(d)\n" + GROUP,
    "pop": "TAGS = ['a', 'b']\nTAGS.pop()\n" + GROUP,
    "under a condition": "import os\nTAGS = ['a']\nif os.path.exists('/x'):\n    TAGS.append('b')\n" + GROUP,
    "of another file": "from conf import TAGS\nTAGS.pop()\n" + GROUP,
    "in another file": "import conf\nconf.TAGS.append('b')\nTAGS = conf.TAGS\n" + GROUP,
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_is_changed_before_its_use_is_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, terms = READ[name]
    report = imported(tmp_path, text)
    assert unknown_codes(report) == {"COS003"}
    [(_, select, _)] = check_selections(tmp_path, report, monkeypatch)
    assert len(str(select).split()) == terms


@pytest.mark.parametrize("name", UNREAD)
def test_what_may_have_changed_otherwise_is_unknown(name: str, tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text("TAGS = ['a', 'b']\n")
    report = imported(tmp_path, UNREAD[name])
    assert report.files == {}
    assert unknown_codes(report) > {"COS003"}


@pytest.mark.parametrize(("target", "terms"), [("dev", "a b"), ("prod", "a")])
def test_a_change_under_a_condition_asks_for_its_value(
    target: str, terms: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "import os\nTAGS = ['a']\nif os.environ.get('DBT_TARGET', 'dev') == 'dev':\n    TAGS.append('b')\n"
        + GROUP
    )
    [why] = [f.sentence for f in imported(tmp_path, text).findings if f.code == "COS403"]
    assert "give its value by --env DBT_TARGET=VALUE" in why
    report = imported(tmp_path, text, GivenValues({"DBT_TARGET": target}))
    monkeypatch.setenv("DBT_TARGET", target)
    assert check_selections(tmp_path, report, monkeypatch) == [("g", terms, "")]
