"""The groups that one call makes: one, or one in each turn of a loop or call of a function."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from floe_import.drafts import GroupDraft
from floe_import.python.evaluate import evaluate
from floe_import.python.loops import turns_around
from floe_import.python.modules import Module
from floe_import.python.names import value_of_name
from floe_import.python.objects import Made
from floe_import.python.values import Unknown
from floe_import.report import Verdict, exact, unknown

_NAMING = ("dag_id", "group_id", "task_id")


@dataclass(frozen=True)
class DraftsOfTurns:
    """The drafts of a call, and the verdict about what repeats it, None if nothing does."""

    drafts: Sequence[GroupDraft]
    verdict: Verdict | None = None


def read_turns(made: Made, read: Callable[[], GroupDraft | None]) -> DraftsOfTurns:
    """Read a call once for each turn of the loops, and call of the function, that it is in.

    `read` returns None where the call makes nothing that floe can run. All drafts are undecided if
    one is, since one call has to stand for all of them.
    """
    module = made.module
    turns = turns_around(made.call, module)
    if isinstance(turns, Unknown) or turns == [{}]:
        drafts = [each for each in [read()] if each]
        if not isinstance(turns, Unknown) or not drafts:
            return DraftsOfTurns(drafts)
        drafts[0].is_undecided = True
        said = f"it may be made several times: {turns.why} ({turns.place}); decide on each of them"
        return DraftsOfTurns(drafts, unknown(said))
    drafts, values = [], []
    for turn in turns:
        with module.in_turn(turn):
            if draft := read():
                drafts.append(draft)
                values.append(_values_of_turn(made, module))
    if not drafts:
        return DraftsOfTurns(drafts)
    if len(drafts) < len(turns):
        verdict = unknown("some turns or calls run no dbt: decide on each of them")
    else:
        verdict = _tell_apart(drafts, values)
    is_undecided = verdict.disposition == "unknown" or any(each.is_undecided for each in drafts)
    for draft in drafts:
        draft.is_undecided = is_undecided
    return DraftsOfTurns(drafts, verdict)


def _values_of_turn(made: Made, module: Module) -> dict[str, str | int]:
    """Return each expression that may tell the turns apart, with its value in this one.

    Those are the name of what is made, and the names of the loops.
    """
    named = [each.value for each in made.call.keywords if each.arg in _NAMING]
    found = {ast.unparse(each): evaluate(each, module) for each in named}
    for names in module.turn.values():
        found |= {name: value_of_name(name, module, made.call) for name in names.values}
    return {text: value for text, value in found.items() if type(value) in (str, int)}


def _tell_apart(drafts: Sequence[GroupDraft], values: Sequence[Mapping[str, str | int]]) -> Verdict:
    """Give each draft what tells its turn from the others, and return the verdict."""
    known = [text for text in values[0] if all(text in each for each in values)]
    texts = [text for text in known if len({each[text] for each in values}) == len(drafts)]
    kept = [[each.name for each in (*d.kept_of_call, *d.kept_of_tasks)] for d in drafts]
    if not texts:
        return unknown("no name in it differs in each turn or call: decide on each of them")
    if any(each != kept[0] for each in kept):
        return unknown("its turns or calls give other arguments: decide on each of them")
    is_named = len({each.name for each in drafts}) == len(drafts)
    for draft, each in zip(drafts, values, strict=True):
        draft.turn = (texts[0], each[texts[0]])
        if not is_named:
            draft.name = f"{draft.name}_{each[texts[0]]}"
    names = ", ".join(each.name for each in drafts)
    return exact(f"each turn or call makes one of them: {names}")
