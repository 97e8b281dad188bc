"""The rules by what they read, and their verdicts: each argument gets a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from floe_import.drafts import GroupDraft
from floe_import.python.arguments import Argument, arguments, arguments_of_mapping
from floe_import.python.objects import LocalFunction, Made
from floe_import.python.values import Symbol, Unknown, Value, first_unknown
from floe_import.report import NO_EFFECT, Finding, Place, Verdict, exact, finding_of, unknown

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
            for each in fields:
                reader = _unless(unless, _of_text(judge) if is_text else judge)
                self._add(Rule(code, owner, each, reader, keeps=keeps))
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
        for each in fields:
            self._add(Rule(code, owner, each, judge, False, keeps))

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


@dataclass
class Judging:
    """The findings of one import so far. A construct that two groups share is reported once.

    An unknown construct leaves its group undecided, unless its code is one of `harmless`.
    """

    book: RuleBook
    harmless: frozenset[str] = frozenset()
    prefix: str = "cosmos."
    found: dict[tuple[str, Place, str], Finding] = field(default_factory=dict)

    def add(self, code: str, construct: str, place: Place, verdict: Verdict) -> None:
        """Report a construct. A second verdict of the same construct counts if it is another."""
        finding = finding_of(code, construct, place, verdict)
        self.found.setdefault((code + construct, place, verdict.sentence), finding)

    def judge(self, owner: str, argument: Argument, draft: GroupDraft, shown: str = "") -> None:
        """Report one argument by its rule, or as unknown; `shown` is how the source has it."""
        name, value, place = argument.name, argument.value, argument.place
        construct = shown or f"{owner}({name}=)"
        rule = self.book.find(owner, name)
        if rule is None:
            sentence = f"floe import has no rule for it: decide what `{name}` is to become"
            self.put(self.book.nothing, construct, place, unknown(sentence), draft)
        elif rule.reads and (hidden := first_unknown(value) or self._foreign(value, place)):
            self.put(rule.code, construct, place, unknown(cannot_read(hidden)), draft)
        else:
            if rule.keeps:
                draft.keep(argument, rule.keeps)
            self.put(rule.code, construct, place, rule.judge(value, draft), draft)

    def put(
        self, code: str, construct: str, place: Place, verdict: Verdict, draft: GroupDraft
    ) -> None:
        """Report a construct, which leaves its group undecided if it is unknown."""
        draft.is_undecided |= verdict.disposition == "unknown" and code not in self.harmless
        self.add(code, construct, place, verdict)

    def judge_call(
        self, owner: str, made: Made, draft: GroupDraft, positional: Sequence[str] = ()
    ) -> None:
        """Report each argument of a call."""
        for argument in arguments(made, positional):
            self.judge(owner, argument, draft)

    def _foreign(self, value: Value, place: Place) -> Unknown | None:
        """Return why a name of another module is no value, None if it is one of the tool's."""
        parts = value if isinstance(value, list | tuple) else [value]
        if isinstance(value, dict):
            parts = list(value.values())
        for each in parts:
            if isinstance(each, Symbol | Made) and not each.name.startswith(self.prefix):
                return Unknown(f"`{each.name}` is not in a file beside this one", place)
            if isinstance(each, LocalFunction):
                return Unknown(f"`{each.name}` is a function or class of yours", place)
        return None

    def judge_default_args(self, value: Value, place: Place, draft: GroupDraft) -> None:
        """Report each key of a DAG's `default_args`, which all its tasks get, those of dbt too.

        A key that no task of dbt takes stays what it is.
        """
        if not isinstance(value, dict):
            self.judge_mapping("default_args", value, place, draft)
            return
        for argument in arguments_of_mapping(value, place):
            owners = ("default_args", "operator_args")
            owner = next((o for o in owners if self.book.find(o, argument.name)), "")
            if owner:
                self.judge(owner, argument, draft)
            else:
                construct = f"default_args({argument.name}=)"
                said = exact("no task of dbt takes it, so it stays for the others")
                self.add(self.book.other, construct, argument.place, said)

    def judge_mapping(self, owner: str, value: Value, place: Place, draft: GroupDraft) -> None:
        """Report each key of a mapping, such as `operator_args`."""
        if isinstance(value, Unknown) or not isinstance(value, dict):
            why = cannot_read(value) if isinstance(value, Unknown) else "it is not a dict"
            self.put(self.book.nothing, owner, place, unknown(why), draft)
            return
        for argument in arguments_of_mapping(value, place):
            self.judge(owner, argument, draft)


def cannot_read(hidden: Unknown) -> str:
    """Return the sentence about a value that the source does not tell."""
    return f"{hidden.why} ({hidden.place}), and nothing is executed: decide its value"
