from __future__ import annotations

import json
import time
from urllib.parse import quote

import pytest

from floe_core.secrets.recognition import hide_shapes, is_literal_secret, may_hold_secret
from floe_core.secrets.redactor import Redactor

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
        "Done. PASS=5 WARN=0 ERROR=0 SKIP=0 NO-OP=0 TOTAL=5",
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


def test_a_secret_is_hidden_however_it_is_quoted() -> None:
    secret = 'it\'s "ä/b"\nand a long second line'
    redactor = Redactor([secret])
    for text in (
        secret,
        secret.replace("'", "''"),
        json.dumps(secret),
        repr(secret),
        quote(secret, safe=""),
        "and a long second line",
    ):
        assert "long" not in redactor.text(text)


def test_a_line_of_a_secret_is_hidden_as_a_secret_of_its_length_is() -> None:
    redactor = Redactor(["first-line\n  hunter2\nshort\n"])
    assert redactor.text("first-line, 'hunter2', short") == "***, '***', short"


WORDS = [
    "a",
    "a-",
    "a.",
    "auth",
    "eyJ",
    "eyJ-",
    "token",
    "password=",
    "x://",
    "://",
    "key ",
    "Basic ",
]


@pytest.mark.parametrize("word", [*WORDS, "-----BEGIN ", "'", "_pass", "secret_"])
def test_the_time_a_long_text_takes_grows_with_its_length_and_no_faster(word: str) -> None:
    text = word * (300_000 // len(word))
    started = time.process_time()
    hide_shapes(text)
    is_literal_secret(text)
    may_hold_secret(text)
    # A pattern that is quadratic takes minutes.
    assert time.process_time() - started < 10
