"""Read the words of a call of dbt: every word is consumed by a flag, or reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from floe_import.dbt_commands.flags import FLAGS
from floe_import.drafts.group_draft import GroupDraft
from floe_import.report.findings import Verdict, changed, exact, lost, unknown, worst

# What a command builds; "" stands for all.
BUILDS: dict[str, tuple[str, ...]] = {
    "build": (),
    "run": ("model",),
    "test": ("test", "unit_test"),
    "seed": ("seed",),
    "snapshot": ("snapshot",),
}


@dataclass(frozen=True)
class Word:
    """A part of a command line with its verdict."""

    code: str
    text: str
    verdict: Verdict


def read_command(words: list[str], draft: GroupDraft) -> Iterator[Word]:
    """Yield the verdict of each part of a call: `words` are those after `dbt`."""
    command, rest = _split(words)
    yield _subcommand(command, draft)
    yield from read_words(rest, draft)


def read_words(words: list[str], draft: GroupDraft) -> Iterator[Word]:
    """Yield the verdict of each flag with its values."""
    left = list(words)
    while left:
        name, separator, attached = left.pop(0).partition("=")
        flag = FLAGS.get(name)
        if flag is None:
            text = name + separator + attached
            yield Word(
                "DBT000", text, unknown("no rule reads this word: decide what it is to become")
            )
            continue
        values = [attached] if separator else _take(left, flag.takes)
        text = " ".join([name, *values])
        if flag.takes and not values:
            yield Word(flag.code, text, unknown("it has no value: decide what it is to become"))
        elif any("$" in value or "`" in value for value in values):
            yield Word(flag.code, text, unknown("the shell computes its value: decide what it is"))
        else:
            yield Word(flag.code, text, flag.judge(values, draft))


def read_flags(words: list[str], draft: GroupDraft) -> Verdict:
    """Return one verdict for several flags."""
    found = list(read_words(words, draft))
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


def _subcommand(command: str, draft: GroupDraft) -> Word:
    if command in BUILDS:
        draft.only = BUILDS[command]
        kinds = ", ".join(BUILDS[command])
        said = f"a job that builds {kinds} only" if kinds else "a job"
        return Word("DBT001", f"dbt {command}", exact(said))
    verdict = {
        "deps": changed(
            "run `dbt deps` once, before `floe compile`: the packages are part of the "
            "compiled product"
        ),
        "debug": changed("`floe doctor` checks the connection"),
        "compile": changed("`floe compile` parses the project; runs compile what they build"),
        "parse": exact("`floe compile` parses the project"),
        "list": exact("`floe show` lists the nodes"),
        "ls": exact("`floe show` lists the nodes"),
        "clean": changed(
            "compiled files are replaced by `floe compile`; nothing is cleaned in a run"
        ),
    }.get(command)
    if command == "source":
        verdict = changed("`execution.freshness` measures sources in the run")
    if command in ("docs", "run-operation", "clone", "retry"):
        verdict = lost(
            f"floe does not run `dbt {command}`: keep the task, with dbt installed beside floe"
        )
    return Word("DBT002", f"dbt {command}", verdict or unknown("no rule reads this command"))
