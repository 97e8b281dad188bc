"""Read a definitions file that makes assets of a dbt project."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from floe_core.foundation.errors import InvalidProductError
from floe_import.dagster import book
from floe_import.dagster.function_body import read_body
from floe_import.drafts import GroupDraft, Reading
from floe_import.python.arguments import Argument, arguments
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.objects import LocalFunction, Made
from floe_import.python.values import Symbol, Value
from floe_import.report import exact, unknown
from floe_import.rules.judging import Judging

_PROJECT_ARGUMENTS = ("project_dir", "target_path", "target", "packaged_project_dir", "state_path")
# They read dbt's manifest and the translator from the metadata of assets, which floe's have too.
_HELPERS = frozenset(
    {
        *("build_dbt_asset_selection", "build_freshness_checks_from_dbt_assets"),
        *("build_schedule_from_dbt_selection", "get_asset_key_for_model"),
        *("get_asset_key_for_source", "get_asset_keys_by_output_name_for_source"),
    }
)
_TRANSLATOR = ("DagsterDbtTranslator", "DagsterDbtTranslatorSettings")


class DbtAssets:
    """The sets of dbt's assets in a file: each with the function that makes it, and its draft."""

    def __init__(self, module: Module, read: set[ast.AST]) -> None:
        self.module, self.read = module, read
        self.judging = Judging(book.BOOK, frozenset({"DGS205", "DGS206"}), "dagster")
        self.groups: list[tuple[ast.AST, GroupDraft]] = []

    def read_file(self) -> None:
        """Read each function decorated with `dbt_assets`, and report what is left."""
        for node in ast.walk(self.module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    made = evaluate(decorator, self.module)
                    if is_old(made) and isinstance(made, Made) and made.last == book.ASSETS:
                        self._read_assets(node, made)
        self._report_leftovers()

    def _read_assets(self, node: ast.FunctionDef | ast.AsyncFunctionDef, made: Made) -> None:
        draft = GroupDraft(self.module.place(node), node.name, orchestrator="dagster")
        draft.installs_packages = False
        self.groups.append((node, draft))
        self.read.update(ast.walk(node))
        given = {each.name: each for each in arguments(made, ())}
        self._read_project(given, draft)
        for argument in given.values():
            if argument.name == "dagster_dbt_translator" and argument.value is not None:
                draft.translator = argument
            rule = self.judging.book.find(book.ASSETS, argument.name)
            if rule is not None and (rule.keeps or argument.name == "dagster_dbt_translator"):
                # Kept as they are written, whatever they are.
                if rule.keeps:
                    draft.keep(argument, "call")
                verdict = rule.judge(None, draft)
                construct = f"{book.ASSETS}({argument.name}=)"
                self.judging.put(rule.code, construct, argument.place, verdict, draft)
            else:
                self._judge(argument, draft)
        if len(node.decorator_list) > 1:
            said = unknown("other decorators are on it: decide what they are to do")
            self.judging.put("DGS001", node.name, draft.place, said, draft)
        read_body(node, self.module, draft, self.judging)
        self._read_resource(draft)

    def _judge(self, argument: Argument, draft: GroupDraft) -> None:
        rule = self.judging.book.find(book.ASSETS, argument.name)
        if rule is None or (rule.reads and argument.name != "project"):
            self.judging.judge(book.ASSETS, argument, draft)
            return
        construct = f"{book.ASSETS}({argument.name}=)"
        verdict = rule.judge(argument.value, draft)
        self.judging.put(rule.code, construct, argument.place, verdict, draft)

    def _read_project(self, given: dict[str, Argument], draft: GroupDraft) -> None:
        """Read the `DbtProject` of `project=` or `manifest=project.manifest_path`."""
        for name in ("project", "manifest"):
            argument = given.get(name)
            made = self._project_of(argument) if argument else None
            if made is not None:
                self.read.update(ast.walk(made.call))
                for each in arguments(made, _PROJECT_ARGUMENTS):
                    if each.name == "project_dir":
                        draft.folder = each
                    self.judging.judge(book.PROJECT, each, draft)
                return
        manifest = given.get("manifest")
        if manifest and isinstance(manifest.value, str):
            folder, _, rest = manifest.value.rpartition("/target/")
            draft.project = folder if rest == "manifest.json" else ""

    def _project_of(self, argument: Argument) -> Made | None:
        node, value = argument.node, argument.value
        if isinstance(node, ast.Attribute) and node.attr == "manifest_path" and argument.module:
            value = evaluate(node.value, argument.module)
        is_project = isinstance(value, Made) and value.name == "dagster_dbt.DbtProject"
        return value if is_project else None

    def _read_resource(self, draft: GroupDraft) -> None:
        """Read the resource with dbt's settings, here or in a file that is imported with this."""
        for made in self._resources():
            if made.module is self.module:
                self.read.update(ast.walk(made.call))
            for argument in arguments(made, ("project_dir",)):
                if argument.name == "project_dir":
                    self._read_project_of_resource(argument, draft)
                else:
                    self.judging.judge(book.RESOURCE, argument, draft)
            return
        said = unknown(
            "the resource `dbt` is not in this file: import the one that makes it in the "
            "same command, "
            "or decide on its target and profile"
        )
        self.judging.add("DGS002", draft.name, draft.place, said)

    def _resources(self) -> Iterator[Made]:
        for module in self._modules():
            yield from _made(module, "dagster_dbt.DbtCliResource")

    def _modules(self) -> Iterator[Module]:
        """Yield this file, those that are imported with it, and what these import."""
        yield self.module
        for file in sorted(self.module.beside - {self.module.path.resolve()}):
            if other := self._opened(file):
                yield other
                yield from filter(None, map(self._opened, _imported_files(other)))
        yield from filter(None, map(self._opened, _imported_files(self.module)))

    def _opened(self, file: Path) -> Module | None:
        try:
            return self.module.open(file)
        except InvalidProductError:
            return None  # It is reported.

    def _read_project_of_resource(self, argument: Argument, draft: GroupDraft) -> None:
        if not draft.project and isinstance(argument.value, str):
            draft.project, draft.folder = argument.value, argument
        elif not draft.project and (made := self._project_of(argument)):
            for each in arguments(made, _PROJECT_ARGUMENTS):
                if each.name == "project_dir":
                    draft.folder = each
                self.judging.judge(book.PROJECT, each, draft)
        construct = f"{book.RESOURCE}(project_dir=)"
        said = exact("the folder of the product")
        self.judging.put("DGS302", construct, argument.place, said, draft)

    def _report_leftovers(self) -> None:
        for node in ast.walk(self.module.tree):
            if node in self.read or not isinstance(node, ast.Name | ast.Attribute):
                continue
            if not isinstance(node.ctx, ast.Load):
                continue
            value, parent = evaluate(node, self.module), self.module.parents.get(node)
            if isinstance(parent, ast.Attribute) and isinstance(value, Symbol):
                continue
            if is_old(value):
                self._report_name(node, value)
            elif isinstance(value, LocalFunction) and self._is_elsewhere(value):
                said = unknown("it uses dagster-dbt in another file: import that file too")
                if value.module.path.resolve() in self.module.beside:
                    said = exact("its file is imported with this one")
                self.judging.add("DGS003", ast.unparse(node), self.module.place(node), said)

    def _is_elsewhere(self, value: LocalFunction) -> bool:
        """Return whether a function of another file uses dagster-dbt."""
        return value.module is not self.module and _uses_dbt(value)

    def _report_name(self, node: ast.Name | ast.Attribute, value: Symbol | Made) -> None:
        text, place = ast.unparse(node), self.module.place(node)
        if value.last in _HELPERS:
            self.judging.add("DGS004", text, place, exact("it works on floe's assets"))
        elif value.last in _TRANSLATOR:
            self.judging.add("DGS005", text, place, exact("your translator stays as it is"))
        elif value.last in (book.PROJECT, book.RESOURCE):
            self.judging.add("DGS006", text, place, exact("it stays for what else uses it"))
        else:
            said = f"`{text}` is used in a way that no rule reads: decide what it is to become"
            self.judging.add("DGS007", text, place, unknown(said))


def read_dagster(module: Module, read: set[ast.AST]) -> Reading:
    """Return what a file makes with dagster-dbt; adds what it has read to `read`."""
    assets = DbtAssets(module, read)
    assets.read_file()
    return Reading(assets.groups, list(assets.judging.found.values()), _goes)


def is_old(value: Value) -> bool:
    """Return whether a value is dagster-dbt's."""
    return isinstance(value, Symbol | Made) and value.name.startswith("dagster_dbt.")


def _goes(value: Value) -> bool:
    """Return whether an import that nothing reads goes; objects stay, since others may use them."""
    return isinstance(value, Symbol) and value.name.startswith("dagster_dbt.")


def _made(module: Module, name: str) -> Iterator[Made]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            value = evaluate(node, module)
            if isinstance(value, Made) and value.name == name:
                yield value


def _imported_files(module: Module) -> Iterator[Path]:
    for found in module.bindings.values():
        for binding in found:
            if binding.imported:
                names = (binding.imported, binding.imported.rpartition(".")[0])
                yield from (f for n in names if n and (f := module.file_of(n, binding.level)))


def _uses_dbt(function: LocalFunction) -> bool:
    inner = (n for n in ast.walk(function.node) if isinstance(n, ast.Name))
    return any(is_old(evaluate(node, function.module)) for node in inner)
