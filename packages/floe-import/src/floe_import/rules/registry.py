"""The rules by what they read: an argument of a call, or a key of a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from floe_import.drafts.group_draft import GroupDraft
from floe_import.python.values import Value
from floe_import.report.findings import NO_EFFECT, Verdict, unknown

Keeps = Literal["", "call", "task"]
Judge = Callable[[Value, GroupDraft], Verdict]


@dataclass(frozen=True)
class Rule:
    """A rule for one argument: `owner` is the class that takes it, `field` its name there.

    `judge` gives the verdict and puts what floe needs into the draft. `reads` is False for a rule
    that holds whatever the value is, so that a computed value is no obstacle. With `keeps`, the
    written call passes the argument on: as one of its own ("call"), or to its tasks ("task").
    """

    code: str
    owner: str
    field: str
    judge: Judge
    reads: bool = True
    keeps: Keeps = ""


class RuleBook:
    """The rules of one tool.

    `nothing` is the code of what no rule reads, `other` of what is not dbt's.
    """

    def __init__(self, nothing: str, other: str) -> None:
        self.nothing, self.other = nothing, other
        self._rules: dict[tuple[str, str], Rule] = {}

    def rule(
        self,
        code: str,
        owner: str,
        *fields: str,
        keeps: Keeps = "",
        unless: Sequence[Value] = (),
        is_text: bool = False,
    ) -> Callable[[Judge], Judge]:
        """Register a function as the rule for these arguments.

        `unless` are the values that they have by default, which change nothing. If it `is_text`, a
        value that is none is unknown; None is "".
        """

        def register(judge: Judge) -> Judge:
            for field in fields:
                reader = _unless(unless, _of_text(judge) if is_text else judge)
                self._add(Rule(code, owner, field, reader, keeps=keeps))
            return judge

        return register

    def always(
        self,
        code: str,
        owner: str,
        fields: Iterable[str],
        verdict: Verdict,
        *,
        keeps: Keeps = "",
        unless: Sequence[Value] = (),
    ) -> None:
        """Register the same verdict for these arguments, whatever their values.

        For `unless` see `rule`.
        """
        judge = _unless(unless, lambda value, draft: verdict)
        for field in fields:
            self._add(Rule(code, owner, field, judge, False, keeps))

    def find(self, owner: str, field: str) -> Rule | None:
        """Return the rule for an argument, None if no rule reads it."""
        return self._rules.get((owner, field))

    def fields(self, owner: str) -> set[str]:
        """Return the arguments of a class that have a rule."""
        return {field for of, field in self._rules if of == owner}

    def codes(self) -> dict[str, list[str]]:
        """Return code -> the constructs that it is about, for the documentation."""
        found: dict[str, list[str]] = {}
        for rule in self._rules.values():
            found.setdefault(rule.code, []).append(f"{rule.owner}.{rule.field}")
        return {code: found[code] for code in sorted(found)}

    def _add(self, rule: Rule) -> None:
        if (rule.owner, rule.field) in self._rules:
            raise ValueError(f"two rules for {rule.owner}.{rule.field}")
        self._rules[rule.owner, rule.field] = rule


def _of_text(judge: Judge) -> Judge:
    def judge_text(value: Value, draft: GroupDraft) -> Verdict:
        if not isinstance(value, str | None):
            return unknown("it is not a text: decide what it is")
        return judge(value or "", draft)

    return judge_text


def _unless(defaults: Sequence[Value], judge: Judge) -> Judge:
    def judge_others(value: Value, draft: GroupDraft) -> Verdict:
        is_default = any(value is each or value == each for each in defaults)
        return NO_EFFECT if is_default else judge(value, draft)

    return judge_others
