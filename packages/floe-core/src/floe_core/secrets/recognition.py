"""Recognize secrets: by the name of a value, by its shape, or as a value of this environment.

Every pattern takes time linear in the length of the text: repetitions are bounded, or cannot start
inside a text that another attempt has read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from floe_core.secrets.references import referenced_names, value_of

# Within a name, in any case: PGPASSWORD, clientSecret, AUTH_TOKENS.
_WITHIN = r"(?:passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key)s?(?![a-z])"
# A part of a name of its own: DB_PASS, snowsql_pwd.
_PARTS = (
    r"(?:pass|pwd|sas|sig|signature|bearer|identified|keyfile[_-]?json|"
    r"(?:access|private|account|encryption|signing|shared)[_-]?key(?:[_-]?id)?|key[_-]?id)"
)
WORDS = rf"(?:{_WITHIN}|(?<![a-z0-9]){_PARTS}(?![a-z0-9]))"
# In a sentence these are ordinary words.
_NAMES = rf"(?:{WORDS}|(?<![a-z0-9])(?:auth|authorization|pat)(?![a-z0-9]))"

# Names about a secret that are not secrets themselves.
_ABOUT = (
    r"(?:url|uri|endpoint|file|path|dir|name|type|method|ttl|lifetime|timeout|expiry|expires?[_-]?in|"
    r"header|ref|fields?|buffer|host|port|user|username|enabled|scope)"
)
_SECRET = re.compile(_NAMES, re.IGNORECASE)
_AFTER_LAST = re.compile(rf"[_-]?{_ABOUT}$", re.IGNORECASE)
_ENDS = re.compile(rf"{_NAMES}$", re.IGNORECASE)
_OF_DBT = "DBT_ENV_SECRET"
# Variables of the shell, though `pwd` names a password elsewhere.
_NO_SECRETS = frozenset({"PWD", "OLDPWD"})


def is_secret_variable(name: str) -> bool:
    """Return whether the value of an environment variable is a secret, by its name.

    >>> [is_secret_variable(name) for name in ("PGPASSWORD", "DB_PASS_PROD", "PWD", "TOKEN_FILE")]
    [True, True, False, False]
    """
    if name.upper().startswith(_OF_DBT):
        return True
    return name not in _NO_SECRETS and bool(_SECRET.search(name)) and not _AFTER_LAST.search(name)


def is_secret_key(key: str) -> bool:
    """Return whether a setting of this name holds a secret.

    >>> [is_secret_key(key) for key in ("password", "apiKey", "token_endpoint", "pwd", "user")]
    [True, True, False, True, False]
    """
    return bool(_ENDS.search(key))


HIDDEN = "***"
_SCHEME = r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://"
# Not the count in the last line of dbt's log: `Done. PASS=5 WARN=0 ERROR=0`.
_NAME = rf"\b(?!PASS=\d+ WARN=\d)\w{{0,60}}?{WORDS}"

_TOKENS = (
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}\b"),
    re.compile(r"\bxox[baprs]-[A-Za-z0-9-]{10,}"),
    re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}"),
    re.compile(
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL
    ),
)
_HIDING = (
    # scheme://user:password@host, and scheme://token@host
    (re.compile(rf"({_SCHEME})[^\s/?#'\"@]+@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # password=''...'', as inside a string of SQL
    (re.compile(rf"({_NAME}\s*[=:]>?\s*'')[^\s',;]+''", re.IGNORECASE), rf"\1{HIDDEN}''"),
    # password='...', "token": "..."
    (
        re.compile(rf"({_NAME}['\"]?\s*[=:]>?\s*)(['\"])(?:(?!\2).)+\2", re.IGNORECASE),
        rf"\1\2{HIDDEN}\2",
    ),
    # SECRET '...', IDENTIFIED BY '...'
    (re.compile(rf"({_NAME}\s+(?:by\s+)?)'[^']*'", re.IGNORECASE), rf"\1'{HIDDEN}'"),
    # token=..., password: ..., as in URLs and connection strings
    (
        re.compile(rf"({_NAME}(?:=|:\s))(?!['\"])[^\s&;,'\")}}\]]+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(r"\b(Bearer|Basic)\s+(?=\S*\d)[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE),
        rf"\1 {HIDDEN}",
    ),
    *((pattern, HIDDEN) for pattern in _TOKENS),
)
# Every text that a pattern above can match has one of these, in lower case; most texts have none.
_SUSPECT = (
    *("://", "token", "pass", "pwd", "secret", "key", "sas", "sig", "credential", "identified"),
    *("bearer", "basic", "akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("xox", "eyj", "-----begin"),
)
# In settings that people write, where a reference to the environment is possible instead.
_LITERAL = (
    re.compile(rf"{_SCHEME}[^/\s:@{{]{{0,200}}:(?!\{{\{{)[^/\s@]+@", re.IGNORECASE),
    re.compile(
        r"\b(motherduck_token|password|passwd|token|secret|api_key)=(?!\{\{|\$)[^\s&;]+", re.I
    ),
    re.compile(r"^\s*(Bearer|Basic)\s+[A-Za-z0-9+/=._-]{8,}", re.IGNORECASE),
    *_TOKENS,
)
_MAY_BE_BESIDE_ONE = re.compile(
    r"(pass(word|wd|phrase)?|pwd|secret|token|key|credentials?|auth\w{0,20})[\"']?\s{0,20}[:=]"
    r"|://[^/\s]{0,500}@",
    re.IGNORECASE,
)


def hide_shapes(text: str) -> str:
    """Return a text with `***` in place of everything that looks like a secret."""
    if _is_suspect(text.lower()):
        for pattern, replacement in _HIDING:
            text = pattern.sub(replacement, text)
    return text


def is_literal_secret(text: str) -> bool:
    """Return whether a setting holds a secret itself, by its shape."""
    return any(pattern.search(text) for pattern in _LITERAL)


def may_hold_secret(line: str) -> bool:
    """Return whether a line of a file should not be shown."""
    return bool(_MAY_BE_BESIDE_ONE.search(line))


def _is_suspect(lowered: str) -> bool:
    for sign in _SUSPECT:  # noqa: SIM110 - a generator takes twice the time of the search itself
        if sign in lowered:
            return True
    return False


def known_secrets(*settings: Any) -> dict[str, str]:
    """Return variable -> value for the variables, and the files, that are secrets and not empty.

    A variable is a secret by its own name, or by the key under which one of `settings`, such as a
    dbt profile, uses it: in `password: "{{ env_var('PGPW') }}"` the value of PGPW is a secret.
    """
    names = {name for name in os.environ if is_secret_variable(name)}
    names.update(name for each in settings for name in _under_secret_keys(each))
    values = {name: value_of(name) for name in sorted(names)}
    return {name: value for name, value in values.items() if value}


def _under_secret_keys(settings: Any) -> Iterator[str]:
    if isinstance(settings, dict):
        for key, value in settings.items():
            if is_secret_key(str(key)) and not isinstance(value, dict):
                yield from referenced_names(value)
            else:
                yield from _under_secret_keys(value)
    elif isinstance(settings, list | tuple):
        for each in settings:
            yield from _under_secret_keys(each)
