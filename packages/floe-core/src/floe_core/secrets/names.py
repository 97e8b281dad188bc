"""Decide by a name whether it means a secret."""

from __future__ import annotations

import re

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
