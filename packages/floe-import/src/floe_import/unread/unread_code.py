"""Report code that concerns dbt and that no reader has read, by its names and its words.

It looks for less than the readers understand, and in more places: imports whose names a file
hides, calls that run a program with dbt in its arguments, scripts, and functions of other files.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from floe_core.foundation.errors import InvalidProductError
from floe_import.bash.shell import only_moves_files
from floe_import.python.arguments import Argument, arguments
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.names import value_of_name
from floe_import.python.objects import LocalFunction, LocalModule, Made
from floe_import.python.values import Symbol, Value
from floe_import.report import Finding, Verdict, exact, finding_of, unknown
from floe_import.unread.words import (
    has_word,
    imports_tool,
    is_of_tool,
    reads_results,
    runs_in_database,
)

# Arguments that only name or describe something.
_NAMES = frozenset(
    {
        *("dag", "task_group", "tags", "doc", "doc_md", "description", "tooltip", "help", "pool"),
        *("queue", "owner", "namespace", "labels", "name", "email", "to", "subject", "text"),
        *("html_content", "message", "blocks", "inlets", "outlets", "trigger_rule", "executor"),
        # Of databases and stores.
        *("database", "schema", "table", "warehouse", "role", "bucket", "bucket_name", "prefix"),
        *("dest_bucket", "dest_bucket_name", "key", "dest_key", "s3_key", "s3_bucket", "dataset"),
    }
)
# What a function of the user's own is called with.
_GIVEN = ("op_kwargs", "op_args", "templates_dict")
_RUNS = ("run", "call", "check_call", "check_output", "Popen", "popen", "system", "exec_command")
_RUNNERS = ("subprocess.", "os.exec", "os.spawn", "prefect_shell.", "dagster_shell.")
_IMPORTERS = ("import_module", "__import__", "import_string", "find_spec", "exec", "eval")
# They load what other files define.
_LOADERS = (
    *("dagfactory.", "dagster.load_", "dagster.build_defs_for_component"),
    *("dagster.components.load_", "dagster.Definitions.merge_from_folder"),
)
# Folders of libraries that are not the user's own.
_VENDORED = frozenset({"site-packages", "vendor", "vendored", "_vendor", "third_party"})
_SCRIPTS = (".sh", ".bash", ".py")


class UnreadCode:
    """Finds such code in one file. `findings` are those of the readers, `read` their nodes."""

    def __init__(self, module: Module, findings: Iterable[Finding], read: set[ast.AST]) -> None:
        self._module, self._read = module, read
        here = str(module.path)
        self._places = {
            (each.place.line, each.place.column) for each in findings if each.place.file == here
        }
        self._found: list[Finding] = []

    def find(self) -> list[Finding]:
        """Return a finding for each construct."""
        for node in ast.walk(self._module.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._imported(node)
            elif isinstance(node, ast.Call):
                self._called(node)
            elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                self._named(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._decorated(node)
        return self._found

    def _say(self, node: ast.AST, construct: str, verdict: Verdict) -> None:
        place = self._module.place(node)
        if (place.line, place.column) not in self._places:
            self._places.add((place.line, place.column))
            found = finding_of("FLI008", construct, place, verdict)
            self._found.append(found)

    def _is_covered(self, node: ast.AST) -> bool:
        """Return whether a reader has read a node, or has said something of a part of it."""
        within = ((getattr(n, "lineno", 0), getattr(n, "col_offset", -1)) for n in ast.walk(node))
        return node in self._read or any((x, y + 1) in self._places for x, y in within)

    def _imported(self, node: ast.Import | ast.ImportFrom) -> None:
        """Report names of a tool whose use nothing can follow, and what another file makes."""
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            text = f"import of {alias.name}"
            owner, level = getattr(node, "module", None) or "", getattr(node, "level", 0)
            full = f"{owner}.{alias.name}".strip(".")
            value = value_of_name(name, self._module, _after(node, self._module))
            files = (self._module.file_of(each, level) for each in (full, owner) if each or level)
            if own := next(filter(None, files), None):
                self._imported_from(own, node, name, value)
            elif not is_of_tool(full):
                continue
            elif alias.name == "*":
                said = "which of its names are used can't be told: import each by its name"
                self._say(node, text, unknown(said))
            elif not isinstance(value, Symbol | LocalFunction | LocalModule):
                said = f"what `{name}` is depends on a condition: decide what uses it"
                self._say(node, text, unknown(said))

    def _imported_from(self, file: Path, node: ast.AST, name: str, value: Value) -> None:
        """Report what another file of the user makes, or that nobody can read it."""
        try:
            self._module.open(file)
        except InvalidProductError as error:
            said = f"{file} {error.problems[0].what}: correct it, and import again"
            self._say(node, f"import of {name}", unknown(said))
        if isinstance(value, Made) and value.module is not self._module and _is_group(value):
            place = value.module.place(value.call)
            self._say(node, name, self._of_file(value.module, f"{place} makes it with Cosmos"))

    def _of_file(self, other: Module, said: str) -> Verdict:
        if other.path.resolve() in self._module.beside:
            return exact(f"{said}: its file is imported with this one")
        if _VENDORED.intersection(other.path.parts):
            return unknown(f"{said}, in a library: decide what it is to become")
        return unknown(f"{said}: import that file too")

    def _named(self, node: ast.Name | ast.Attribute) -> None:
        parent = self._module.parents.get(node)
        value = evaluate(node, self._module)
        if isinstance(parent, ast.Attribute) and isinstance(value, Symbol | LocalModule):
            return
        if isinstance(value, LocalFunction) and value.module is not self._module:
            if isinstance(parent, ast.Attribute) and _is_of_its_own(evaluate(parent, self._module)):
                return  # The method is looked at instead of its class.
            if (cause := _reached(value, set())) and not self._is_covered(node):
                said = f"it concerns dbt ({cause})"
                self._say(node, ast.unparse(node), self._of_file(value.module, said))
        elif isinstance(value, Symbol) and is_of_tool(value.name):
            owner = parent if isinstance(parent, ast.Call) and parent.func is node else node
            # The readers say what they know of these, and leave out annotations.
            is_known = value.name.startswith(("cosmos.", "dagster_dbt.", "prefect_dbt."))
            if not is_known and not self._is_covered(owner) and not self._is_inner(node):
                said = f"`{value.name}` concerns dbt, and no rule reads it: decide what it becomes"
                self._say(node, ast.unparse(node), unknown(said))

    def _is_inner(self, node: ast.AST) -> bool:
        """Return whether a node is in an annotation, or in an expression that was reported."""
        inner, at = node, self._module.parents.get(node)
        while isinstance(at, ast.expr | ast.keyword):
            if (getattr(at, "lineno", 0), getattr(at, "col_offset", -1) + 1) in self._places:
                return True
            inner, at = at, self._module.parents.get(at)
        return inner in (getattr(at, "annotation", None), getattr(at, "returns", None))

    def _called(self, node: ast.Call) -> None:
        if self._is_covered(node):
            return
        called = evaluate(node.func, self._module)
        name = called.name if isinstance(called, Symbol) else ast.unparse(node.func)
        last = name.rpartition(".")[2]
        given = list(arguments(Made(name, node, self._module), ()))
        if name.startswith(_LOADERS):
            said = "it loads what other files define: import those that concern dbt"
            self._say(node, ast.unparse(node.func), unknown(said))
        elif last in _IMPORTERS and any(_texts(each, imports_tool) for each in given):
            said = "it imports a tool that runs dbt in a way that can't be followed"
            self._say(node, ast.unparse(node)[:60], unknown(said))
        elif _runs_program(name, last):
            for each in given:
                if each.name not in _NAMES and not each.name.endswith("_id"):
                    self._judge_program(node, each, given)

    def _judge_program(self, node: ast.Call, argument: Argument, given: Iterable[Argument]) -> None:
        said = "it may run dbt, in a way that no rule reads: decide what it is to become"
        source = ast.unparse(argument.node) if argument.node is not None else ""
        if argument.name in ("sql", "query"):
            if _texts(argument, runs_in_database) or runs_in_database(source):
                self._say(node, ast.unparse(node.func), unknown(said))
        elif _runs_nothing(argument, given):
            return
        elif _texts(argument, has_word) or has_word(source):
            self._say(node, ast.unparse(node.func), unknown(said))
        elif argument.name == "bash_command" and isinstance(argument.value, str):
            for script in _scripts(argument.value, self._module):
                said = f"{script} names dbt: decide what it is to become"
                self._say(node, ast.unparse(node.func), unknown(said))

    def _decorated(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Report a function whose result Airflow runs in Bash."""
        for each in node.decorator_list:
            called = evaluate(each.func if isinstance(each, ast.Call) else each, self._module)
            if not isinstance(called, Symbol) or not called.name.endswith(
                ("task.bash", "bash_task")
            ):
                continue
            body = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
            texts = [value for value in body if isinstance(value, str)]
            if any(map(has_word, texts)) and not self._is_covered(node):
                said = "it may run dbt, in a way that no rule reads: decide what it is to become"
                self._say(node, node.name, unknown(said))


def _is_group(value: Made) -> bool:
    return value.name.startswith("cosmos.") and value.last in ("DbtDag", "DbtTaskGroup")


def _after(node: ast.AST, module: Module) -> ast.AST:
    """Return a node at which the names of an import are looked up: the end of its scope."""
    scope = module.scope_of(node)
    body: list[ast.stmt] = getattr(scope, "body", [])
    last = body[-1] if isinstance(body, list) and body else node
    here = ast.copy_location(ast.Name("_", ast.Load()), last)
    here.lineno = here.end_lineno = (getattr(last, "end_lineno", 0) or 0) + 1
    module.parents[here] = scope
    return here


def _runs_nothing(argument: Argument, given: Iterable[Argument]) -> bool:
    """Return whether it is known that what an argument names is not run."""
    if argument.name in _GIVEN:
        return not _may_run(given)
    text = argument.value if isinstance(argument.value, str) else _with_values(argument.node)
    return only_moves_files(text)


def _with_values(node: ast.expr | None) -> str:
    """Return an f-string with a word for each of its values, "" for any other expression."""
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts = (each.value if isinstance(each, ast.Constant) else "VALUE" for each in node.values)
    return "".join(map(str, parts))


def _runs_program(name: str, last: str) -> bool:
    is_task = last.endswith("Operator") or ".task." in f".{name}"
    return is_task or last in _RUNS or name.startswith(_RUNNERS)


def _may_run(given: Iterable[Argument]) -> bool:
    """Return whether the function of a task may run what it is given as a program."""
    called = [each.value for each in given if each.name == "python_callable"]
    return not called or not all(
        isinstance(each, LocalFunction) and not _runs(each, set()) for each in called
    )


def _runs(function: LocalFunction, seen: set[ast.AST]) -> bool:
    """Return whether a function, or one of the user's own that it calls, runs a program."""
    if function.node in seen:
        return False
    seen.add(function.node)
    for node in ast.walk(function.node):
        if not isinstance(node, ast.Call):
            continue
        called = evaluate(node.func, function.module)
        name = called.name if isinstance(called, Symbol) else ast.unparse(node.func)
        if _runs_program(name, name.rpartition(".")[2]):
            return True
        if isinstance(called, LocalFunction) and _runs(called, seen):
            return True
    return False


def _texts(argument: Argument, is_meant: Callable[[str], bool]) -> bool:
    """Return whether a text in the value of an argument is one that is meant."""
    return any(is_meant(each) for each in _strings(argument.value))


def _strings(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for part in pair for text in _strings(part))
    elif isinstance(value, list | tuple):
        yield from (text for part in value for text in _strings(part))


def _scripts(command: str, module: Module) -> Iterator[Path]:
    """Yield the scripts that a command names, are on this machine, and name dbt."""
    for word in command.split():
        path = word.strip("'\"")
        if not path.endswith(_SCRIPTS):
            continue
        for root in (module.path.absolute().parent, *module.roots):
            file = root / path
            try:
                text = file.read_text(encoding="utf-8") if file.is_file() else ""
            except (OSError, UnicodeDecodeError):
                continue
            if has_word(text):
                yield file
                break


def _is_of_its_own(value: Value) -> bool:
    """Return whether a value is a method that uses nothing of its object or class."""
    names = ("self", "cls")
    return isinstance(value, LocalFunction) and not any(
        isinstance(each, ast.Name) and each.id in names for each in ast.walk(value.node)
    )


def _reached(function: LocalFunction, seen: set[ast.AST]) -> str:
    """Return where a function, or one that it calls, names dbt; "" if none does."""
    if function.node in seen:
        return ""
    seen.add(function.node)
    module = function.module
    for node in ast.walk(function.node):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            parent = module.parents.get(node)
            is_meant = has_word(node.value) or reads_results(node.value)
            if is_meant and not isinstance(parent, ast.Expr):
                return str(module.place(node))
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            value = evaluate(node, module)
            if isinstance(value, Symbol | Made) and is_of_tool(value.name):
                return str(module.place(node))
            if isinstance(value, LocalFunction) and (found := _reached(value, seen)):
                return found
    return ""
