"""What pytest says at its end of a plugin that inherits the kit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from floe_conformance import __version__

TESTS = """
import pytest
from floe_conformance import OrchestratorConformance


class TestMine(OrchestratorConformance):
    def plugin(self): raise AssertionError("no plugin")
    def look_at(self, definitions, project_dir): raise AssertionError("not looked at")

    def test_good(self): pass
    def test_left_out(self): pytest.skip("there is no reason")


def test_of_no_plugin(): pass
"""
CHOSEN = "test_good or test_left_out or test_of_no_plugin or three_texts"


def test_the_checks_of_each_class_are_counted_and_those_left_out_explained(tmp_path: Path) -> None:
    """By the entry point alone: the test file names no pytest plugin."""
    file = tmp_path / "test_mine.py"
    file.write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", CHOSEN, file]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert "TestMine: 1 held, 1 not held, 1 left out (there is no reason)" in said.splitlines()
    assert f"floe conformance kit {__version__}, interface 1.0" in said
