"""Read a flow that calls dbt with prefect-dbt."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from floe_import.bash.script import DbtScript
from floe_import.dbt_commands.command_line import Word, read_command, read_words
from floe_import.drafts.group_draft import GroupDraft
from floe_import.prefect import book
from floe_import.python.arguments import Argument, arguments
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.values import Made, Symbol, Unknown, Value, first_unknown
from floe_import.readers import Reading
from floe_import.report.findings import changed, unknown
from floe_import.rules.judging import Judging, cannot_read

_STARTS = (book.OPERATION, book.RUNNER, book.ORCHESTRATOR)
_METHODS = {book.OPERATION: "run", book.RUNNER: "invoke", book.ORCHESTRATOR: "run_build"}


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
                if made.last in book.FUNCTIONS:
                    self._read_function(made)
            elif isinstance(node.func, ast.Attribute):
                base = evaluate(node.func.value, self.module)
                if is_prefect_dbt(base) and base.last in _STARTS:
                    self._read_method(node, node.func.attr, base)
        self._report_leftovers()

    def _draft(self, call: ast.Call) -> GroupDraft:
        function = self.module.scope_of(call)
        name = getattr(function, "name", "flow")
        draft = GroupDraft(self.module.place(call), name, orchestrator="prefect")
        draft.installs_packages = False
        self.groups.append((call, draft))
        self.read.update(ast.walk(call))
        self._check_surroundings(call, draft)
        return draft

    def _check_surroundings(self, call: ast.Call, draft: GroupDraft) -> None:
        """Report where a subflow can't take the place of the call."""
        said = ""
        function = self.module.scope_of(call)
        decorators = getattr(function, "decorator_list", [])
        if isinstance(self.module.parents.get(call), ast.Await):
            said = "it is awaited, and a flow of floe is not: decide how it is called"
        elif self.module.loop_around(call):
            said = "a loop makes it, and nothing is executed: decide on each of them"
        elif any("task" in ast.unparse(each) for each in decorators):
            said = "it is in a task: call the flow of floe in the flow itself, not in a task"
        if said:
            self.judging.put("PRE001", draft.name, draft.place, unknown(said), draft)

        self._check_result(call, draft)

    def _check_result(self, call: ast.Call, draft: GroupDraft) -> None:
        """Report that something reads what the call returns, which is another thing in floe."""
        parent = self.module.parents.get(call)
        if isinstance(parent, ast.Expr):
            return
        verdict = changed("it returns a dict of node id to status, and raises if a node failed")
        targets = parent.targets if isinstance(parent, ast.Assign) else []
        names = {each.id for each in targets if isinstance(each, ast.Name)}
        reads = [
            node
            for node in ast.walk(self.module.tree)
            if isinstance(node, ast.Attribute | ast.Subscript)
            and isinstance(node.value, ast.Name)
            and node.value.id in names
        ]
        if reads:
            what = ast.unparse(reads[0])
            verdict = unknown(f"it returns a dict of node id to status: decide on `{what}`")
        self.judging.put("PRE007", "result", draft.place, verdict, draft)

    def _read_function(self, made: Made) -> None:
        draft = self._draft(made.call)
        given = list(arguments(made, ("command", "profiles_dir", "project_dir")))
        command = book.FUNCTIONS[made.last]
        for argument in given:
            if argument.name == "command" and not command:
                self._read_script(argument, [argument.value], draft)
            else:
                self._judge("function", argument, draft)
        if command:
            self._put_words(read_command([command], draft), draft.place, draft)

    def _read_method(self, call: ast.Call, method: str, base: Made) -> None:
        draft = self._draft(call)
        self.read.update(ast.walk(base.call))
        if method != _METHODS[base.last]:
            said = f"no rule reads `.{method}()`: decide what it is to become"
            self.judging.put("PRE002", f"{base.last}.{method}", draft.place, unknown(said), draft)
        if isinstance(self.module.parents.get(base.call), ast.withitem):
            said = "it is opened by `with`: call it in one expression, and import again"
            self.judging.put("PRE003", base.last, draft.place, unknown(said), draft)
        for argument in arguments(base, ()):
            self._read_argument(base.last, argument, draft)
        self._read_call(base.last, Made(base.name, call, self.module), draft)

    def _read_argument(self, owner: str, argument: Argument, draft: GroupDraft) -> None:
        value = argument.value
        if argument.name == "settings" and is_prefect_dbt(value):
            self.read.update(ast.walk(value.call))
            for each in arguments(value, ()):
                self._judge(book.SETTINGS, each, draft)
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
                    self._put_words(read_command([str(w) for w in words], draft), place, draft)
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
        words = [flag, *(str(each) for each in values)]
        self._put_words(read_words(words, draft), argument.place, draft)

    def _read_script(self, argument: Argument, commands: Value, draft: GroupDraft) -> None:
        if hidden := first_unknown(commands):
            said = unknown(cannot_read(hidden))
            self.judging.put("PRE004", argument.name, argument.place, said, draft)
            return
        texts = [str(each) for each in commands] if isinstance(commands, list) else [""]
        script = DbtScript("\n".join(texts), draft, draft.project)
        self._put_words(iter(script.words), argument.place, draft)
        if not script.builds:
            said = unknown("it builds nothing: keep the call, or decide what it is to become")
            self.judging.put("PRE005", argument.name, argument.place, said, draft)

    def _put_words(self, words: Iterator[Word], place: object, draft: GroupDraft) -> None:
        for word in words:
            self.judging.put(word.code, word.text, place, word.verdict, draft)  # type: ignore[arg-type]

    def _judge(self, owner: str, argument: Argument, draft: GroupDraft) -> None:
        if argument.name == "project_dir" and argument.value is not None:
            draft.folder = argument
        self.judging.judge(owner, argument, draft)

    def _report_leftovers(self) -> None:
        for node in ast.walk(self.module.tree):
            if node in self.read or not isinstance(node, ast.Name | ast.Attribute):
                continue
            if not isinstance(node.ctx, ast.Load):
                continue
            value = evaluate(node, self.module)
            parent = self.module.parents.get(node)
            if isinstance(parent, ast.Attribute) and isinstance(value, Symbol):
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
    return Reading(flows.groups, list(flows.judging.found.values()), is_old)


def is_old(value: Value) -> bool:
    """Return whether a value is prefect-dbt's."""
    return isinstance(value, Symbol | Made) and value.name.startswith(_OURS)


def is_prefect_dbt(value: Value) -> bool:
    """Return whether a value is made by prefect-dbt."""
    return isinstance(value, Made) and value.name.startswith("prefect_dbt.")


def _calls(module: Module) -> Sequence[ast.Call]:
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    return sorted(calls, key=lambda each: (each.lineno, each.col_offset, -(each.end_lineno or 0)))
