"""Read a Bash command as a sequence of simple commands, or say why that is not possible."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_SEPARATORS = ("&&", ";")
# A template of Airflow is one word, whatever is in it.
_TEMPLATE = re.compile(r"\{\{.*?\}\}")
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
