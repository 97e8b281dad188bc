"""The contract that a library's private names are used in one module finds each way to use them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.quick

ROOT = Path(__file__).parents[2]
CONTRACT = """\
[importlinter]
root_package = shop
contract_types =
    one_door: scripts.one_door.OneDoorContract

[importlinter:contract:door]
name = one door
type = one_door
package = shop
doors = internals.py
libraries = json
public =
    json
    json.tool
"""
USES = {
    "from json._core import run": "json._core.run",
    "from json import _core": "json._core",
    "import json.scanner": "json.scanner",
    "from json import scanner, tool\nimport json.scanner": "json.scanner",
    "import json\njson._default_decoder": "json._default_decoder",
    "import json\ngetattr(json, '_default_decoder')": "getattr(json, '_default_decoder')",
    "from importlib import import_module\nimport_module('json.scanner')": "json.scanner",
    "def later():\n    from json.decoder import scanstring": "json.decoder.scanstring",
}
FINE = """\
import json
import os
from json import dumps
from json.tool import main

class Own:
    _there: int

    def _one(self, other):
        self._two = other._one() + other._two + other._there

if __name__ == "__main__":
    os._exit(len(json.__name__))
"""


def checked(folder: Path, **modules: str) -> tuple[int, str]:
    """Return how the contract ends for a package with these modules, and what it prints."""
    package = folder / "shop"
    package.mkdir()
    for name, source in {"__init__": "", **modules}.items():
        (package / f"{name}.py").write_text(source)
    (folder / ".importlinter").write_text(CONTRACT)
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("source", USES)
def test_a_private_name_elsewhere_breaks_it(source: str, tmp_path: Path) -> None:
    code, said = checked(tmp_path, other=source)
    assert code == 1
    assert f"shop: other.py:{source.count(chr(10)) + 1}: {USES[source]}\n" in said


def test_in_the_door_they_are_fine_and_what_is_public_is_fine_everywhere(tmp_path: Path) -> None:
    code, said = checked(tmp_path, internals="\n".join(USES), other=FINE)
    assert (code, "1 kept, 0 broken" in said) == (0, True), said
