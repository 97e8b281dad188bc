from __future__ import annotations

from pathlib import Path

import pytest

from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.references import (
    UnsetVariableError,
    is_only_a_reference,
    resolve,
    secret_setting,
    sole_reference,
)


def test_a_file_holds_a_value_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k3y-of-lineage\n")
    setting = {"auth": {"api_key": f"file:{tmp_path}/key"}, "url": "file:///tmp/x"}
    assert resolve(setting) == {"auth": {"api_key": "k3y-of-lineage"}, "url": "file:///tmp/x"}
    assert known_secrets(setting)[f"file:{tmp_path}/key"] == "k3y-of-lineage"
    assert secret_setting(setting["auth"], "api_key") == "k3y-of-lineage"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnsetVariableError, match=r"^the file .*/none can't be read$"):
        resolve(f"file:{tmp_path}/none")
    with pytest.raises(ValueError, match=r"^`token`: the file .*/none can't be read$"):
        secret_setting({"token": f"file:{tmp_path}/none"}, "token")


@pytest.mark.parametrize("text", ["file:/run/secrets/pw", "connection:password", "env:PW"])
def test_a_reference_is_no_literal(text: str) -> None:
    assert is_only_a_reference(text)


@pytest.mark.parametrize("text", ["file:pw", "file://host/pw", "connection:", "connection"])
def test_other_texts_are(text: str) -> None:
    assert not is_only_a_reference(text)
    assert sole_reference(text) == ""
