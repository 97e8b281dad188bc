"""Code beside the groups that sets variables, or uses the files of dbt around a run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from floe_import.dbt_commands.flags import LEAVES_RESULTS
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module, last_name
from floe_import.python.values import Symbol
from floe_import.report import Finding, Verdict, changed, finding_of
from floe_import.rules.documentation import is_documentation
from floe_import.unread.words import reads_results

_ENVIRONMENT = Symbol("os.environ")
_SETTERS = ("os.putenv", "dotenv.load_dotenv", "dotenv.main.load_dotenv")
_METHODS = ("update", "setdefault")
# Variables of Python, Airflow and dlt, which no dbt project reads.
_OF_OTHERS = ("PYTHON", "AIRFLOW_", "DESTINATION__", "SOURCES__")


def report_environment(module: Module) -> list[Finding]:
    """Return a finding for each statement that sets variables where the file is loaded."""
    said = "it stays in this file, so a run has it; set it where `floe compile` runs, too"
    return [
        finding_of("FLI010", text, module.place(node), changed(said))
        for node, text in _settings(module)
        if not _is_in_task(node, module)
    ]


def _settings(module: Module) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            name = evaluate(node.slice, module)
            is_of_others = isinstance(name, str) and name.startswith(_OF_OTHERS)
            if evaluate(node.value, module) == _ENVIRONMENT and not is_of_others:
                yield node, ast.unparse(node)
        elif isinstance(node, ast.Call):
            called = evaluate(node.func, module)
            name = called.name if isinstance(called, Symbol) else ""
            if name in (*_SETTERS, *(f"{_ENVIRONMENT.name}.{each}" for each in _METHODS)):
                yield node, ast.unparse(node.func)


def _is_in_task(node: ast.AST, module: Module) -> bool:
    """Return whether a node is in a function that runs as a task, in a process of its own."""
    scope = module.scope_of(node)
    while scope is not module.tree:
        for each in getattr(scope, "decorator_list", ()):
            called = evaluate(each.func if isinstance(each, ast.Call) else each, module)
            if isinstance(called, Symbol) and "task" in called.name.split("."):
                return True
        scope = module.scope_of(scope)
    return False


_WRITES_PROFILES = changed(
    "it stays, so a run has the file; write it also where `floe compile` runs"
)
_JOINS = ("join", "joinpath", "Path", "PurePath")
_PROFILES = re.compile(r"\bprofiles\.ya?ml\b")
_SHELL = re.compile(
    r"(?:>|\b(?:tee|cp|mv|ln|install|curl|wget|gsutil|aws)\b)[^;&|\n]*\bprofiles\.ya?ml\b"
)
_REMOVES = re.compile(r"\brm\b[^;&|\n]*\btarget\b")
_WRITING = re.compile(r"[wax]b?t?\+?")
_WRITERS = (
    *("copy", "copy2", "copyfile", "move", "rename", "replace", "symlink_to", "symlink"),
    *("download_file", "download_to_filename", "write_text", "write_bytes"),
)


def report_dbt_files(
    module: Module, findings: Iterable[Finding], read: set[ast.AST]
) -> list[Finding]:
    """Return a finding for each place where a file uses what a run leaves, or writes profiles.yml.

    `findings` are those of the import so far, `read` the nodes that the readers have read.
    """
    here = str(module.path)
    said = {(each.place.line, each.place.column) for each in findings if each.place.file == here}
    found: list[Finding] = []
    for node in ast.walk(module.tree):
        verdict = _judge(node, module)
        if verdict is None or any(
            each in read or _start(each, module) in said for each in _around(node, module)
        ):
            continue
        said.update(_start(each, module) for each in _expressions_of(node, module))
        construct = ast.unparse(node.func if isinstance(node, ast.Call) else node)[:60]
        found.append(finding_of("FLI011", construct, module.place(node), verdict))
    return found


def _judge(node: ast.AST, module: Module) -> Verdict | None:
    if isinstance(node, ast.Call) and _writes_profiles(node, module):
        return _WRITES_PROFILES
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return None
    text = node.value
    is_folder = text.rstrip("/").endswith("/target") or text == "target"
    is_meant = reads_results(text) or _REMOVES.search(text) or _SHELL.search(text)
    if not (is_meant or (is_folder and _ends_path(node, module))):
        return None
    if is_documentation(node, module):
        return None
    return _WRITES_PROFILES if _SHELL.search(text) else LEAVES_RESULTS


def _around(node: ast.AST, module: Module) -> Iterator[ast.AST]:
    """Yield a node, the expressions that it is a part of, and the functions around them."""
    yield from _expressions_of(node, module)
    yield from (each for each in module.scopes_of(node) if each is not module.tree)


def _expressions_of(node: ast.AST, module: Module) -> Iterator[ast.AST]:
    at: ast.AST | None = node
    while isinstance(at, ast.expr | ast.keyword):
        yield at
        at = module.parents.get(at)


def _start(node: ast.AST, module: Module) -> tuple[int, int]:
    place = module.place(node)
    return place.line, place.column


def _ends_path(node: ast.Constant, module: Module) -> bool:
    """Return whether a text is the last part of a path, or of a text with values in it."""
    parent = module.parents.get(node)
    if isinstance(parent, ast.Call):
        return last_name(parent.func) in _JOINS and parent.args[-1:] == [node]
    if isinstance(parent, ast.JoinedStr):
        return parent.values[-1] is node
    if not isinstance(parent, ast.BinOp) or not isinstance(parent.op, ast.Div | ast.Add):
        return False
    return not isinstance(module.parents.get(parent), ast.BinOp)


def _writes_profiles(call: ast.Call, module: Module) -> bool:
    """Return whether a call writes, copies or downloads a file named profiles.yml."""
    name = last_name(call.func)
    parts = [*call.args, *(each.value for each in call.keywords)]
    if isinstance(call.func, ast.Attribute):
        parts.append(call.func.value)
    if name == "open":
        modes = [evaluate(each, module) for each in parts]
        if not any(isinstance(each, str) and _WRITING.fullmatch(each) for each in modes):
            return False
    elif name not in _WRITERS:
        return False
    return any(_names_profiles(each, module) for each in parts)


def _names_profiles(node: ast.expr, module: Module) -> bool:
    """Return whether an expression has the name in it, or in the value of a name in it."""
    sources = [ast.unparse(node), str(evaluate(node, module))]
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            bindings = (module.bindings.get((s, each.id), []) for s in module.scopes_of(each))
            sources += [ast.unparse(b.value) for found in bindings for b in found if b.value]
    return any(_PROFILES.search(each) for each in sources)
