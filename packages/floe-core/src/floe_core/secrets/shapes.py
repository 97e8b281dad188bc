"""Find texts that look like secrets, or that hold one under a name that suggests one.

Every pattern takes time linear in the length of the text: repetitions are bounded, or cannot start
inside a text that another attempt has read.
"""

from __future__ import annotations

import re

from floe_core.secrets.names import WORDS

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
