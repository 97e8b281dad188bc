"""The names and words by which code that concerns dbt is recognized."""

from __future__ import annotations

import re

_ROOTS = frozenset({"cosmos"})
_DBT = re.compile(r"dbt", re.IGNORECASE)
_WORD = re.compile(r"(?<![a-z])dbt(?![a-z])", re.IGNORECASE)
_IN_DATABASE = re.compile(r"\bexecute\s+dbt\s+project\b", re.IGNORECASE)
_RESULTS = re.compile(r"\brun_results\.json\b|\btarget/(?:run|compiled|sources\.json)\b")
_IMPORT = re.compile(r"\b(?:from|import)\s+(?:cosmos|\w*dbt\w*)\b|^(?:cosmos|\w*dbt\w*)(?:\.\w+)*$")


def is_of_tool(name: str) -> bool:
    """Return whether a dotted name is one of dbt, or of a tool that runs it.

    >>> is_of_tool("cosmos.DbtDag"), is_of_tool("airflow.providers.dbt.cloud"), is_of_tool("os")
    (True, True, False)
    """
    return name.partition(".")[0] in _ROOTS or bool(_DBT.search(name))


def has_word(text: str) -> bool:
    """Return whether a text names dbt, as a word or as a part of a file's name.

    >>> [has_word(each) for each in ("/opt/run_dbt.sh", "dbt-image:1", "run DBT", "adbtest")]
    [True, True, True, False]
    """
    return bool(_WORD.search(text))


def runs_in_database(text: str) -> bool:
    """Return whether SQL runs a dbt project that is in the database, as Snowflake can.

    >>> [runs_in_database(each) for each in ("execute dbt project a.b", "select 1 from dbt.orders")]
    [True, False]
    """
    return bool(_IN_DATABASE.search(text))


def imports_tool(text: str) -> bool:
    """Return whether a text names a module of a tool, or is code that imports one.

    >>> [imports_tool(each) for each in ("cosmos.airflow", "import dagster_dbt", "the dbt docs")]
    [True, True, False]
    """
    return bool(_IMPORT.search(text))


def reads_results(text: str) -> bool:
    """Return whether a text names a file that dbt leaves in `target/` when it has built.

    >>> [reads_results(each) for each in ("target/run_results.json", "target/manifest.json")]
    [True, False]
    """
    return bool(_RESULTS.search(text))
