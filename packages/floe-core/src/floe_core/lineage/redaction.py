"""Take secrets out of what lineage tells."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

HIDDEN = "***"
_WORD = (
    r"(?:motherduck_token|pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|"
    r"secret[_-]?access[_-]?key|account[_-]?key|private[_-]?key|sas|sig|signature|credentials?|"
    r"client[_-]?secret|identified|session[_-]?token|key[_-]?id|bearer)"
)
_PATTERNS = (
    # scheme://user:password@host, and scheme://token@host
    (re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s/?#'\"@]+@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # password=''...'', as inside a string of SQL
    (
        re.compile(rf"(\b\w*{_WORD}\s*[=:]>?\s*'')[^\s',;]+''", re.IGNORECASE),
        rf"\1{HIDDEN}''",
    ),
    # password='...', "token": "..."
    (
        re.compile(rf"(\b\w*{_WORD}['\"]?\s*[=:]>?\s*)(['\"])(?:(?!\2).)+\2", re.IGNORECASE),
        rf"\1\2{HIDDEN}\2",
    ),
    # SECRET '...', IDENTIFIED BY '...'
    (re.compile(rf"(\b\w*{_WORD}\s+(?:by\s+)?)'[^']*'", re.IGNORECASE), rf"\1'{HIDDEN}'"),
    # token=..., password: ..., as in URLs and connection strings
    (
        re.compile(rf"(\b\w*{_WORD}(?:=|:\s))(?!['\"])[^\s&;,'\")}}\]]+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(r"\b(Bearer|Basic)\s+(?=\S*\d)[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE),
        rf"\1 {HIDDEN}",
    ),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), HIDDEN),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}\b"), HIDDEN),
    (re.compile(r"\bxox[baprs]-[A-Za-z0-9-]{10,}"), HIDDEN),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}"), HIDDEN),
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL),
        HIDDEN,
    ),
)
# Every text that a pattern above can match has one of these, in lower case; most texts have none.
_SUSPECT = (
    *("://", "token", "pass", "pwd", "secret", "key", "sas", "sig", "credential", "identified"),
    *("bearer", "basic", "akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xox", "eyj"),
    "-----begin",
)
_SECRET_NAME = re.compile(rf"(^|_){_WORD}($|_)|^DBT_ENV_SECRET", re.IGNORECASE)
# Shorter values are too likely to be ordinary words or numbers.
_SHORTEST_SECRET = 6


class Redactor:
    """Replaces secrets by `***`: those it is told of, and what looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({text for text in secrets if len(text) >= _SHORTEST_SECRET}, key=len)
        self._known = (
            re.compile("|".join(re.escape(text) for text in reversed(known))) if known else None
        )

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        if self._known:
            text = self._known.sub(HIDDEN, text)
        if _is_suspect(text.lower()):
            for pattern, replacement in _PATTERNS:
                text = pattern.sub(replacement, text)
        return text

    def tree(self, value: Any) -> Any:
        """Return JSON-like data without secrets in its texts, keys left as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self._member(str(key), each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(each) for each in value]
        return value

    def _member(self, key: str, value: Any) -> Any:
        if isinstance(value, str) and value and _SECRET_NAME.search(key):
            return HIDDEN
        return self.tree(value)


def _is_suspect(lowered: str) -> bool:
    for sign in _SUSPECT:  # noqa: SIM110 - a generator takes twice the time of the search itself
        if sign in lowered:
            return True
    return False


def is_secret_name(name: str) -> bool:
    """Tell whether the name of an environment variable says that its value is a secret."""
    return bool(_SECRET_NAME.search(name))


def secrets_of_environment(referenced: Iterable[str] = ()) -> set[str]:
    """Return the values of environment variables whose names say secret.

    `referenced` are variables that settings take values from; of those, too, only the ones named
    as secrets count: a host or a user is none.
    """
    names = {name for name in os.environ if _SECRET_NAME.search(name)} | set(referenced)
    return {os.environ[name] for name in names if name in os.environ and _SECRET_NAME.search(name)}
