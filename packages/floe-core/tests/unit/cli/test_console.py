from __future__ import annotations

import pytest

from floe_core.cli.console import stdout


def test_a_word_between_colons_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    stdout().print("store:ledger: it is in the folder", markup=False)
    assert capsys.readouterr().out == "store:ledger: it is in the folder\n"
