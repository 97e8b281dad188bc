"""The page of commands in the docs has every command and option of floe."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


def test_the_page_of_commands_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.venv/bin/python scripts/write_schema.py` renews it."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from command_page import command_page

    sys.modules.pop("command_page")
    page = command_page()
    assert (ROOT / "docs" / "commands.md").read_text() == page
    assert "- `--exclude <str>`: Nodes to leave out, in dbt's selection syntax.\n" in page
    assert "- `--days <int range>`: Number of days whose ticks are compared. Default: `90`." in page


def test_an_option_of_many_commands_is_described_once() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    assert page.count("- `--env NAME`: An environment of the manifest. Variable: `FLOE_ENV`.") == 1
    assert "\n- Also `product`, `--on`, `--env`" in page
