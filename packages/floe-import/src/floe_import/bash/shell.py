"""Read a Bash command as a sequence of simple commands, or say why that is not possible."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_SEPARATORS = ("&&", ";")
# A template of Airflow is one word, whatever is in it.
_TEMPLATE = re.compile(r"\{\{.*?\}\}")
# To a file, of standard output or errors.
_REDIRECTION = re.compile(r"(?<!\S)[12&]?>>?\s*(?:&\d|[^\s;&|<>]+)")
# Programs that run nothing of what they are given.
_OF_FILES = frozenset(
    {
        *("cat", "cd", "chmod", "cp", "date", "echo", "envsubst", "grep", "gsutil", "gunzip"),
        *("gzip", "head", "ln", "ls", "mkdir", "mv", "pwd", "rm", "rmdir", "sed", "set", "sleep"),
        *("tail", "tar", "tee", "test", "touch", "unzip", "zip"),
    }
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True)
class SimpleCommand:
    """The words of a command, and the variables set for it: name -> value."""

    words: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The command as one writes it."""
        return shlex.join(self.words)


class UnreadableCommandError(ValueError):
    """The command is more than a sequence of simple commands."""


def simple_commands(text: str) -> list[SimpleCommand]:
    r"""Return the commands of a text, in their order.

    >>> [each.words for each in simple_commands("cd /dbt &&\n  dbt run --select 'tag:a b'")]
    [('cd', '/dbt'), ('dbt', 'run', '--select', 'tag:a b')]

    Raises:
        UnreadableCommandError: It has pipes, redirections, subshells or conditions.
    """
    text = _TEMPLATE.sub(lambda found: "".join(found.group().split()), text)
    lines = re.sub(r"&&\s*\n", "&& ", text.replace("\\\n", " ")).strip().splitlines()
    kept = [line.strip().rstrip(";") for line in lines if line.strip()[:1] not in ("", "#")]
    reader = shlex.shlex(" ; ".join(kept), posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    reader.commenters = ""
    try:
        tokens = list(reader)
    except ValueError as error:
        raise UnreadableCommandError(f"Bash does not accept it: {error}") from None
    return _split(tokens)


def only_moves_files(text: str) -> bool:
    """Return whether a text reads, writes and moves files, and runs nothing in them.

    >>> only_moves_files("rm -rf /dbt/target && aws s3 cp a s3://b"), only_moves_files("dbt run")
    (True, False)
    """
    if "$(" in text or "`" in text:
        return False
    try:
        found = simple_commands(_REDIRECTION.sub(" ", text).replace("|", " ; "))
    except UnreadableCommandError:
        return False
    return bool(found) and all(
        not each.words or each.words[0] in _OF_FILES or each.words[:2] == ("aws", "s3")
        for each in found
    )


def _split(tokens: list[str]) -> list[SimpleCommand]:
    found: list[SimpleCommand] = []
    words: list[str] = []
    for token in [*tokens, ";"]:
        if token in _SEPARATORS:
            if words:
                found.append(_command(words))
            words = []
        elif set(token) <= set("|&;()<>") or token in ("if", "for", "while", "case", "function"):
            raise UnreadableCommandError(f"`{token}` makes it more than a sequence of commands")
        else:
            words.append(token)
    return found


def _command(words: list[str]) -> SimpleCommand:
    variables = []
    while words and _ASSIGNMENT.match(words[0]):
        name, _, value = words[0].partition("=")
        variables.append((name, value))
        words = words[1:]
    return SimpleCommand(tuple(words), tuple(variables))
