from __future__ import annotations

import pytest

from floe_core.lineage.redaction import Redactor, secrets_of_environment

TOKEN = "abcDEF0123456789abcDEF0123456789"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgres://me:s3cret@db:5432/x", "postgres://***@db:5432/x"),
        ("at https://s3cret@host/path", "at https://***@host/path"),
        ("md:shop?motherduck_token=s3cret&x=1", "md:shop?motherduck_token=***&x=1"),
        ("host=h password=s3cret dbname=d", "host=h password=*** dbname=d"),
        ("create secret (type s3, secret 's3cret')", "create secret (type s3, secret '***')"),
        ("alter user u identified by 's3cret'", "alter user u identified by '***'"),
        ('{"api_key": "s3cret", "a": 1}', '{"api_key": "***", "a": 1}'),
        ("{'password': 's3cret'}", "{'password': '***'}"),
        ("select 'password=''s3cret''' as x", "select 'password=''***''' as x"),
        ("set s3_secret_access_key='s3cret'", "set s3_secret_access_key='***'"),
        ("Authorization: Bearer s3cretXY", "Authorization: Bearer ***"),
        ("key AKIAABCDEFGHIJKLMNOP used", "key *** used"),
        (f"gh ghp_{TOKEN} end", "gh *** end"),
        ("jwt eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ end", "jwt *** end"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- x", "*** x"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, clean: str) -> None:
    assert Redactor().text(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        'select a."token", b.password_hash from "shop"."main"."tokens" b',
        "select count(*) from logins where failed_password_count > 3",
        "join x on a.token = b.token",
        "https://example.com/docs?page=2",
        "mail to data@example.com",
        "Basic cleaning of rows",
        "where token = '' and name = ''",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert Redactor().text(text) == text


def test_known_secrets_are_hidden_wherever_they_stand() -> None:
    redactor = Redactor(["abcdef", "abcdefgh", "x"])
    assert redactor.text("x abcdefghi (abcdef)") == "x ***i (***)"


def test_a_tree_is_cleaned_in_its_texts_and_under_secret_names() -> None:
    tree = {"password": "plain", "n": 1, "list": ["http://u:p@h", None], "deep": {"note": "ok"}}
    assert Redactor().tree(tree) == {
        "password": "***",
        "n": 1,
        "list": ["http://***@h", None],
        "deep": {"note": "ok"},
    }


def test_secrets_of_the_environment_are_those_with_secret_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "one-secret")
    monkeypatch.setenv("DBT_ENV_SECRET_X", "two-secret")
    monkeypatch.setenv("WAREHOUSE_HOST", "no-secret")
    found = secrets_of_environment(["WAREHOUSE_HOST", "NOT_SET"])
    assert found >= {"one-secret", "two-secret"}
    assert "no-secret" not in found
