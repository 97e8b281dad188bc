from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from floe_core.secrets.references import secret_setting, setting

Read = Callable[[Mapping[str, Any], str], str]


@pytest.mark.parametrize("read", [setting, secret_setting])
@pytest.mark.parametrize("value", ["env:TOKEN", " env:TOKEN ", "{{ env_var('TOKEN') }}"])
def test_a_variable_that_a_setting_names_gives_its_value(
    read: Read, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    assert read({"token": value}, "token") == "s3cret"


@pytest.mark.parametrize("read", [setting, secret_setting])
@pytest.mark.parametrize("settings", [{}, {"token": None}])
def test_no_setting_is_no_value(read: Read, settings: Mapping[str, Any]) -> None:
    assert read(settings, "token") == ""


@pytest.mark.parametrize("read", [setting, secret_setting])
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(
    read: Read, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("TOKEN", value)
    with pytest.raises(ValueError, match="is not set") as refused:
        read({"token": "env:TOKEN"}, "token")
    assert str(refused.value) == ("`token`: environment variable TOKEN is not set")


@pytest.mark.parametrize("value", ["admin", " admin ", 7])
def test_what_is_no_secret_may_stand_for_itself(value: object) -> None:
    assert setting({"username": value}, "username") == str(value).strip()


@pytest.mark.parametrize("value", ["s3cret", "", 7, "env:TOKEN and more"])
def test_a_secret_that_is_written_out_is_refused_without_being_shown(value: object) -> None:
    with pytest.raises(ValueError, match="must be a reference") as refused:
        secret_setting({"api_key": value}, "api_key")
    assert str(refused.value) == "`api_key` must be a reference: env:NAME or file:/PATH"
