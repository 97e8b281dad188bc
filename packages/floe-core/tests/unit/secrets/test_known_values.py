"""Which variables of the environment hold secrets."""

from __future__ import annotations

import pytest

from floe_core.secrets.recognition import is_secret_key, is_secret_variable, known_secrets

SECRET = [
    *("PGPASSWORD", "DB_PASSWORD", "MYSQL_PWD", "DB_PASS", "DB_PASS_PROD", "AWS_SECRET_ACCESS_KEY"),
    *(
        "AWS_ACCESS_KEY_ID",
        "GITHUB_TOKEN",
        "GH_PAT",
        "API_KEY",
        "APIKEY",
        "apiKey",
        "CLIENT_SECRET",
    ),
    *("AZURE_STORAGE_SAS", "MOTHERDUCK_TOKEN", "SNOWFLAKE_PRIVATE_KEY", "DBT_ENV_SECRET_ANYTHING"),
    *("PRIVATE_KEY_PASSPHRASE", "GOOGLE_CREDENTIALS", "SECRET_KEY_BASE", "DBT_ENV_SECRET_URL"),
]
ORDINARY = [
    *("PWD", "OLDPWD", "PATH", "HOME", "DB_USER", "DB_HOST", "TOKEN_FILE", "TOKEN_ENDPOINT", "KEY"),
    *(
        "TOKENIZERS_PARALLELISM",
        "PGPASSFILE",
        "COMPASS",
        "BYPASS",
        "SECRETARY",
        "SIGNAL",
        "PATTERN",
    ),
    *("SSH_AUTH_SOCK", "AWS_WEB_IDENTITY_TOKEN_FILE", "PASSENGERS", "DBT_PROFILES_DIR"),
]


def test_names_that_mean_a_secret() -> None:
    assert [name for name in SECRET if not is_secret_variable(name)] == []


def test_names_that_do_not() -> None:
    told = [name for name in ORDINARY if is_secret_variable(name)]
    # The socket of an agent: a name is all that can be gone by.
    assert told == ["SSH_AUTH_SOCK"]


def test_keys_of_settings() -> None:
    keys = ["password", "pwd", "apiKey", "api-key", "client_secret", "motherduck_token", "auth"]
    assert [key for key in keys if not is_secret_key(key)] == []
    ordinary = ["token_endpoint", "user", "path", "secret_name", "passenger", "keys", "monkey"]
    assert [key for key in ordinary if is_secret_key(key)] == []


def test_a_variable_under_the_key_of_a_secret_is_one_whatever_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = {
        **{"PGPW": "by-its-key", "HOSTNAME_OF_IT": "db.example.com", "SHOP_TOKEN": "by-its-name"},
        **{"SETTINGS_KEY": "within", "EMPTY_TOKEN": ""},
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    profile = {
        "password": "{{ env_var('PGPW') }}",
        "host": "{{ env_var('HOSTNAME_OF_IT') }}",
        "secrets": [{"type": "s3", "secret": "{{ env_var('SETTINGS_KEY', 'x') }}"}],
    }
    found = known_secrets(profile)
    assert {name: found.get(name) for name in variables} == {
        **{"PGPW": "by-its-key", "HOSTNAME_OF_IT": None, "SHOP_TOKEN": "by-its-name"},
        **{"SETTINGS_KEY": "within", "EMPTY_TOKEN": None},
    }
