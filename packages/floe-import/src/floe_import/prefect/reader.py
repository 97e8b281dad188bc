"""Read a flow that calls dbt with prefect-dbt."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeGuard

from floe_import.bash.script import CALLS_DBT, DbtScript
from floe_import.dbt_commands.command_line import Word, read_command, read_words
from floe_import.drafts import GroupDraft, Reading
from floe_import.prefect import book
from floe_import.python.arguments import Argument, arguments
from floe_import.python.evaluate import evaluate
from floe_import.python.loops import is_flow_of_prefect, is_task_of_prefect
from floe_import.python.modules import Module
from floe_import.python.objects import Made
from floe_import.python.values import Symbol, Unknown, Value, first_unknown, same_kind
from floe_import.report import changed, unknown
from floe_import.rules.drafts_of_turns import read_turns
from floe_import.rules.judging import Judging, cannot_read

# class -> its methods that call dbt.
_METHODS = {
    book.OPERATION: ("run", "arun"),
    book.RUNNER: ("invoke",),
    book.ORCHESTRATOR: ("run_build",),
}


_OPERATION = f"prefect_dbt.cli.commands.{book.OPERATION}"
_SHELLS = ("prefect_shell.ShellOperation", "prefect_shell.commands.ShellOperation")


class PrefectFlows:
    """The calls of dbt in a flow: `groups` pairs each call with its draft."""

    def __init__(self, module: Module, read: set[ast.AST]) -> None:
        self.module, self.read = module, read
        self.judging = Judging(book.BOOK, frozenset({"PRE103"}), "prefect")
        self.groups: list[tuple[ast.Call, GroupDraft]] = []

    def read_file(self) -> None:
        """Read each call of dbt, and report what is left."""
        for node in _calls(self.module):
            if is_prefect_dbt(made := evaluate(node, self.module)):
                if _function(made) in book.FUNCTIONS:
                    self._read_turns(made, self._read_function)
            elif isinstance(node.func, ast.Attribute):
                base = self._owner(node.func)
                if is_prefect_dbt(base) and base.last in _METHODS:
                    method = partial(self._read_method, node.func)
                    self._read_turns(Made(base.name, node, self.module), method)
        self._report_leftovers()

    def _read_turns(self, made: Made, read: Callable[[ast.Call], GroupDraft | None]) -> None:
        """Read a call, which a loop or a function may repeat; `read` makes its draft."""
        self.read.update(ast.walk(made.call))
        found = read_turns(made, partial(read, made.call))
        self.groups += [(made.call, draft) for draft in found.drafts]
        if found.verdict is not None:
            self.judging.add("PRE001", made.last, self.module.place(made.call), found.verdict)

    def _draft(self, call: ast.Call) -> GroupDraft:
        function = self.module.scope_of(call)
        name = getattr(function, "name", "flow")
        draft = GroupDraft(self.module.place(call), name, orchestrator="prefect")
        draft.installs_packages = False
        decorators = getattr(function, "decorator_list", [])
        if any(is_task_of_prefect(evaluate(each, self.module)) for each in decorators):
            said = "its task starts a subflow, which has a task run for each node"
            self.judging.put("PRE008", name, draft.place, changed(said), draft)
        if isinstance(function, ast.FunctionDef) and decorators and function.args.defaults:
            self._report_parameters(function, draft)
        self._check_result(call, draft)
        return draft

    def _report_parameters(self, function: ast.FunctionDef, draft: GroupDraft) -> None:
        """Report the parameters of a flow, if what they are decided what was read."""
        turn = self.module.turn.get(function)
        is_flow = any(is_flow_of_prefect(evaluate(d, self.module)) for d in function.decorator_list)
        if turn is None or not is_flow:
            return
        names = ", ".join(turn.values)
        said = "the job builds what they are here; a run with others needs floe's own parameters"
        place = self.module.place(function)
        self.judging.put("PRE010", f"{function.name}({names})", place, changed(said), draft)

    def _check_result(self, call: ast.Call, draft: GroupDraft) -> None:
        """Report that something reads what the call returns, which is another thing in floe."""
        parent = self.module.parents.get(call)
        if isinstance(parent, ast.Await):
            parent = self.module.parents.get(parent)
        if isinstance(parent, ast.Expr):
            return
        verdict = changed("it returns a dict of node id to status, and raises if a node failed")
        targets = parent.targets if isinstance(parent, ast.Assign) else []
        names = {each.id for each in targets if isinstance(each, ast.Name)}
        scope = self.module.scope_of(call)
        reads = [
            node
            for node in ast.walk(self.module.tree)
            if isinstance(node, ast.Attribute | ast.Subscript)
            and isinstance(node.value, ast.Name)
            and node.value.id in names
            and scope in self.module.scopes_of(node)
        ]
        if reads:
            what = ast.unparse(reads[0])
            verdict = unknown(f"it returns a dict of node id to status: decide on `{what}`")
        self.judging.put("PRE007", "result", draft.place, verdict, draft)

    def _read_function(self, call: ast.Call) -> GroupDraft | None:
        made = evaluate(call, self.module)
        if not isinstance(made, Made) or _function(made) not in book.FUNCTIONS:
            return None
        given = list(arguments(made, ("command", "profiles_dir", "project_dir")))
        command = book.FUNCTIONS[_function(made)]
        texts = [command] if command else [a.value for a in given if a.name == "command"]
        if not command and self._builds_nothing(texts, call):
            return None
        draft = self._draft(call)
        # Without the `a`, it is a coroutine in earlier versions of prefect-dbt alone.
        is_used_as_one = isinstance(self.module.parents.get(call), ast.Await | ast.Call)
        draft.is_coroutine = _function(made) != made.last or (
            is_used_as_one and self._is_in_coroutine(call)
        )
        for argument in given:
            if argument.name == "command" and not command:
                self._read_script(argument, texts, draft)
            else:
                self._judge("function", argument, draft)
        if command:
            self._put_words(read_command([command], draft), draft.place, draft)
        return draft

    def _read_method(self, function: ast.Attribute, call: ast.Call) -> GroupDraft | None:
        base, method = self._owner(function), function.attr
        if not isinstance(base, Made) or base.last not in _METHODS:
            return None
        self._note_read(base)
        if self._builds_nothing(self._commands(base, call), call):
            return None
        draft = self._draft(call)
        if method not in _METHODS[base.last]:
            said = f"no rule reads `.{method}()`: decide what it is to become"
            self.judging.put("PRE002", f"{base.last}.{method}", draft.place, unknown(said), draft)
        if isinstance(self.module.parents.get(base.call), ast.withitem):
            said = "it is opened by `with`: call it in one expression, and import again"
            self.judging.put("PRE003", base.last, draft.place, unknown(said), draft)
        draft.is_coroutine = method == "arun" or (
            base.last == book.OPERATION and self._is_in_coroutine(call)
        )
        for argument in arguments(base, ()):
            self._read_argument(base.last, argument, draft)
        self._read_call(base.last, Made(base.name, call, self.module), draft)
        return draft

    def _is_in_coroutine(self, call: ast.Call) -> bool:
        """Return whether a call is in a coroutine, where `DbtCoreOperation.run` is another one."""
        return isinstance(self.module.scope_of(call), ast.AsyncFunctionDef)

    def _owner(self, function: ast.Attribute) -> Value:
        """Return the object of a method; a `ShellOperation` that calls dbt as one of prefect-dbt.

        `DbtCoreOperation` is a `ShellOperation`, and runs its commands in the same way.
        """
        made = evaluate(function.value, self.module)
        if isinstance(made, Made) and made.name in _SHELLS:
            given = [each.node for each in arguments(made, ()) if each.name == "commands"]
            if given and given[0] is not None and CALLS_DBT.search(ast.unparse(given[0])):
                return replace(made, name=_OPERATION)
        return made

    def _note_read(self, made: Made) -> None:
        """Note that a call, and the settings that it takes, are read."""
        self.read.update(ast.walk(made.call))
        for argument in arguments(made, ()):
            if is_prefect_dbt(argument.value):
                self.read.update(ast.walk(argument.value.call))

    def _commands(self, base: Made, call: ast.Call) -> Value:
        """Return the commands of a call of a method, None if they are not in an argument."""
        if base.last == book.OPERATION:
            given = [each.value for each in arguments(base, ()) if each.name == "commands"]
            return given[0] if given else None
        made = Made(base.name, call, self.module)
        given = [each.value for each in arguments(made, ("args",)) if each.name == "args"]
        if base.last == book.RUNNER and given and _is_texts(given[0]):
            return [shlex.join(["dbt", *given[0]])]
        return None

    def _builds_nothing(self, commands: Value, call: ast.Call) -> bool:
        """Return whether a call builds no node, and say so: it stays as it is."""
        if not _is_texts(commands):
            return False
        place = self.module.place(call)
        script = DbtScript("\n".join(commands), GroupDraft(place, ""))
        if not script.builds_nothing:
            return False
        self.judging.add("PRE005", "; ".join(commands), place, script.verdict_if_kept("call"))
        return True

    def _read_argument(self, owner: str, argument: Argument, draft: GroupDraft) -> None:
        value = argument.value
        if argument.name == "settings" and is_prefect_dbt(value):
            for each in arguments(value, ()):
                self._judge(book.SETTINGS, each, draft)
        elif argument.name == "settings" and (hidden := first_unknown(value)):
            said = unknown(cannot_read(hidden))
            self.judging.put("PRE004", argument.name, argument.place, said, draft)
        elif argument.name == "commands" and owner == book.OPERATION:
            self._read_script(argument, value, draft)
        else:
            self._judge(owner, argument, draft)

    def _read_call(self, owner: str, made: Made, draft: GroupDraft) -> None:
        if owner == book.ORCHESTRATOR:
            self._put_words(read_command(["build"], draft), draft.place, draft)
        for argument in arguments(made, ("args",) if owner == book.RUNNER else ()):
            place = argument.place
            if owner == book.RUNNER and argument.name == "args":
                words = argument.value
                if not isinstance(words, list) or first_unknown(words):
                    hidden = first_unknown(words) or Unknown("it is not a list", place)
                    said = unknown(cannot_read(hidden))
                    self.judging.put("PRE004", "invoke", place, said, draft)
                else:
                    self._put_words(read_command(_words(words), draft), place, draft)
            elif self.judging.book.find(book.BUILD, argument.name):
                self._judge(book.BUILD, argument, draft)
            else:
                self._read_keyword(argument, draft)

    def _read_keyword(self, argument: Argument, draft: GroupDraft) -> None:
        """Read a keyword of `invoke`, which is a flag of dbt with underscores."""
        flag = "--" + argument.name.replace("_", "-")
        value = argument.value
        if hidden := first_unknown(value):
            self.judging.put("PRE004", flag, argument.place, unknown(cannot_read(hidden)), draft)
            return
        if value is None or value is False:
            return
        values = [] if value is True else list(value) if isinstance(value, list) else [value]
        words = [flag, *_words(values)]
        self._put_words(read_words(words, draft), argument.place, draft)

    def _read_script(self, argument: Argument, commands: Value, draft: GroupDraft) -> None:
        if hidden := first_unknown(commands):
            said = unknown(cannot_read(hidden))
            self.judging.put("PRE004", argument.name, argument.place, said, draft)
            return
        texts = commands if isinstance(commands, list) else [""]
        text = same_kind("\n".join(map(str, texts)), *texts)
        script = DbtScript(text, draft, draft.project)
        self._put_words(iter(script.words), argument.place, draft)

    def _put_words(self, words: Iterator[Word], place: object, draft: GroupDraft) -> None:
        for word in words:
            self.judging.put(word.code, word.text, place, word.verdict, draft)  # type: ignore[arg-type]

    def _judge(self, owner: str, argument: Argument, draft: GroupDraft) -> None:
        if argument.name == "project_dir" and argument.value is not None:
            draft.folder = argument
        self.judging.judge(owner, argument, draft)

    def _is_annotation(self, node: ast.AST) -> bool:
        above = self.module.parents.get(node)
        while isinstance(above, ast.expr):
            node, above = above, self.module.parents.get(above)
        return node in (getattr(above, "annotation", None), getattr(above, "returns", None))

    def _report_leftovers(self) -> None:
        replaced = {call for call, _ in self.groups}
        for node in ast.walk(self.module.tree):
            if node in self.read or not isinstance(node, ast.Name | ast.Attribute):
                continue
            if not isinstance(node.ctx, ast.Load) or self._is_annotation(node):
                continue
            value = evaluate(node, self.module)
            parent = self.module.parents.get(node)
            if isinstance(parent, ast.Attribute) and isinstance(value, Symbol):
                continue
            if isinstance(value, Made) and value.call in replaced:
                continue
            if isinstance(value, Symbol | Made) and value.name.startswith(_OURS):
                text = ast.unparse(node)
                said = f"`{text}` is used in a way that no rule reads: decide what it is to become"
                place = self.module.place(node)
                self.judging.add("PRE006", text, place, unknown(said))


_OURS = ("prefect_dbt.", "prefect.tasks.dbt.")


def read_prefect(module: Module, read: set[ast.AST]) -> Reading:
    """Return what a file runs with prefect-dbt."""
    flows = PrefectFlows(module, read)
    flows.read_file()
    return Reading(flows.groups, list(flows.judging.found.values()), _goes)


def _goes(value: Value) -> bool:
    """Return whether what nothing reads goes: a name, an object or a block, but no call of dbt."""
    if not isinstance(value, Symbol | Made) or not value.name.startswith(_OURS):
        return False
    return isinstance(value, Symbol) or value.last[0].isupper() or value.last == "load"


def is_prefect_dbt(value: Value) -> bool:
    """Return whether a value is made by prefect-dbt."""
    return isinstance(value, Made) and value.name.startswith("prefect_dbt.")


def _function(made: Made) -> str:
    """Return the name of a function without what tells that it is a coroutine."""
    return made.last.removeprefix("a")


def _is_texts(value: Value) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(type(each) is str for each in value)


def _calls(module: Module) -> Sequence[ast.Call]:
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    return sorted(calls, key=lambda each: (each.lineno, each.col_offset, -(each.end_lineno or 0)))


def _words(values: Iterable[Value]) -> list[str]:
    """Return values as the words of a command line; a text stays what it depends on."""
    return [each if isinstance(each, str) else str(each) for each in values]
