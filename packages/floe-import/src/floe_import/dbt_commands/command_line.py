"""Read the words of a call of dbt: every word is consumed by a flag, or reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from floe_import.dbt_commands.flags import FLAGS, Flag
from floe_import.drafts import GroupDraft
from floe_import.python.values import has_template, same_kind
from floe_import.report import Verdict, changed, exact, lost, unknown, worst

_FOLDERS = ("--project-dir", "--profiles-dir")
# What a command builds; "" stands for all.
BUILDS: dict[str, tuple[str, ...]] = {
    "build": (),
    "run": ("model",),
    "test": ("test", "unit_test"),
    "seed": ("seed",),
    "snapshot": ("snapshot",),
}
_TASK_OF_ITS_OWN = lost(
    "floe does not run it: give it a task of its own, which stays as it is, and import again"
)
# What builds nothing, if it is in one task with what does.
OTHERS: dict[str, Verdict] = {
    "deps": exact("`floe compile` installs the packages that are missing"),
    "debug": changed("`floe doctor` checks the connection"),
    "compile": changed("`floe compile` parses the project; runs compile what they build"),
    "parse": exact("`floe compile` parses the project"),
    "list": exact("`floe show` lists the nodes"),
    "ls": exact("`floe show` lists the nodes"),
    "clean": changed("`floe compile` replaces compiled files; nothing is cleaned in a run"),
    "source": changed("`execution.freshness` measures sources in the run"),
    **dict.fromkeys(("docs", "run-operation", "clone", "retry"), _TASK_OF_ITS_OWN),
}


@dataclass(frozen=True)
class Word:
    """A part of a command line with its verdict."""

    code: str
    text: str
    verdict: Verdict


def build_with(command: str, draft: GroupDraft) -> Verdict:
    """Let a draft build what a command of dbt builds, and return the verdict about it."""
    draft.only = BUILDS[command]
    kinds = ", ".join(draft.only)
    return exact(f"a job that builds {kinds} only" if kinds else "a job")


def read_command(words: list[str], draft: GroupDraft) -> Iterator[Word]:
    """Yield the verdict of each part of a call: `words` are those after `dbt`."""
    command, rest = _split(words)
    if command in BUILDS:
        yield Word("DBT001", f"dbt {command}", build_with(command, draft))
        yield from read_words(rest, draft)
    else:
        verdict = OTHERS.get(command) or unknown("no rule reads this command")
        yield Word("DBT002", " ".join(["dbt", *words]), verdict)


def read_words(
    words: list[str], draft: GroupDraft, others: Mapping[str, Flag] = MappingProxyType({})
) -> Iterator[Word]:
    """Yield the verdict of each flag with its values; `others` are flags with another meaning."""
    left = list(words)
    while left:
        word = left.pop(0)
        name, separator, attached = word.partition("=")
        flag = others.get(name) or FLAGS.get(name)
        if flag is None:
            text = name + separator + attached
            yield Word(
                "DBT000", text, unknown("no rule reads this word: decide what it is to become")
            )
            continue
        values = [same_kind(attached, word)] if separator else _take(left, flag.takes)
        text = " ".join([name, *values])
        if flag.takes and not values:
            yield Word(flag.code, text, unknown("it has no value: decide what it is to become"))
        elif name != "--vars" and has_template(values):
            yield Word(flag.code, text, unknown("Airflow renders its value: decide what it is"))
        elif name not in _FOLDERS and any("$" in value or "`" in value for value in values):
            yield Word(flag.code, text, unknown("the shell computes its value: decide what it is"))
        else:
            yield Word(flag.code, text, flag.judge(values, draft))


def read_flags(
    words: list[str], draft: GroupDraft, others: Mapping[str, Flag] = MappingProxyType({})
) -> Verdict:
    """Return one verdict for several flags; for `others` see `read_words`."""
    found = list(read_words(words, draft, others))
    said = "; ".join(f"{each.text}: {each.verdict.sentence}" for each in found)
    return Verdict(worst([each.verdict.disposition for each in found]), said or "no flags")


def _take(left: list[str], count: int) -> list[str]:
    taken: list[str] = []
    while left and not left[0].startswith("-") and (count < 0 or len(taken) < count):
        taken.append(left.pop(0))
    return taken


def _split(words: list[str]) -> tuple[str, list[str]]:
    """Return the subcommand and the other words; flags may come before it."""
    at, left = 0, list(words)
    while at < len(left) and left[at].startswith("-"):
        flag = FLAGS.get(left[at])
        at += 1 + (max(flag.takes, 0) if flag and "=" not in left[at] else 0)
    return (left[at], left[:at] + left[at + 1 :]) if at < len(left) else ("", left)
