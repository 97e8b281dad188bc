"""Import files: read them, make products of what they run, and write the files that remain."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError, UsageError
from floe_import.bash.reader import read_bash
from floe_import.cosmos.connections_file import read_connections
from floe_import.cosmos.reader import read_cosmos
from floe_import.dagster.component_file import TYPE, ComponentFile, read_component
from floe_import.dagster.reader import read_dagster
from floe_import.drafts import GroupDraft, Reading
from floe_import.prefect.reader import read_prefect
from floe_import.product.files import floe_yaml_text, manifest_yaml_text
from floe_import.product.products import Product, make_products
from floe_import.product.profiles import (
    PROFILES_FILE,
    copied_profiles,
    report_computes,
    report_profile,
    report_profiles_folder,
    report_project,
    report_secrets,
    target_of,
)
from floe_import.product.projects import DbtProject, find_project, last_part
from floe_import.python.given_values import GivenValues
from floe_import.python.modules import Module, read_module
from floe_import.report import Disposition, Finding, ImportReport, Place, finding_of
from floe_import.rewriting.airflow_3 import write_for_airflow_3
from floe_import.rewriting.dag_file import rewritten
from floe_import.rewriting.edits import parsed
from floe_import.unread.beside_groups import report_dbt_files, report_environment
from floe_import.unread.unread_code import UnreadCode

READERS: tuple[Callable[[Module, set[ast.AST]], Reading], ...] = (
    read_cosmos,
    read_prefect,
    read_dagster,
    read_bash,
)


_FOLDERS = {"airflow": "dags", "dagster": "definitions", "prefect": "flows"}


@dataclass(frozen=True)
class Request:
    """What to import: the files, the folders of dbt projects, and the folder to write to.

    `connections` is a file of Airflow's connections, from which names of tables are taken. `given`
    are values that no file has.
    """

    files: Sequence[Path]
    projects: Sequence[Path] = ()
    out: Path = Path("floe-import")
    connections: Path | None = None
    given: GivenValues = field(default_factory=GivenValues)


@dataclass
class ReadFile:
    """A file that was read."""

    module: Module
    readings: list[Reading] = field(default_factory=list)
    nodes: set[ast.AST] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    @property
    def groups(self) -> list[tuple[ast.AST, GroupDraft]]:
        """The groups that floe can run: those without an undecided construct."""
        return [
            (call, draft)
            for reading in self.readings
            for call, draft in reading.groups
            if draft.project and not draft.is_undecided
        ]


def import_files(request: Request) -> ImportReport:
    """Return the report of an import, with the text of the files to write. Writes nothing."""
    return import_products(request)[0]


def import_products(request: Request) -> tuple[ImportReport, list[Product]]:
    """Return the report of an import, and the products that it makes. Writes nothing.

    Raises:
        InvalidProductError: The file of connections is none.
        UsageError: No file asks for a value that is given.
    """
    connections = read_connections(request.connections) if request.connections else {}
    report = ImportReport()
    files = list({file.resolve(): file for file in request.files}.values())
    components = [file for file in files if file.suffix in (".yaml", ".yml")]
    others = [file for file in files if file not in components]
    beside = frozenset(file.resolve() for file in others)
    read = []
    for path in others:
        with _reporting(report, "FLI001", "file", Place(str(path))):
            module = read_module(path, _roots(path), given=request.given)
            module.beside, module.connections = beside, connections
            found = _read(module, report.findings, len(beside) == 1)
            report.findings += found.findings
            read.append(found)
    for file in read:
        _report_beside(file, report, is_moved=any(each.groups for each in read))
    defined = [each for file in components if (each := _read_component(file, report))]
    drafts = [draft for file in read for _, draft in file.groups]
    drafts += [each.draft for each in defined]
    products = make_products(drafts, _projects(drafts, request.projects))
    names: dict[int, str] = {}
    for product in products:
        with _reporting(report, "FLI012", f"product {product.name}", product.drafts[0].place):
            _write_product(product, request.out, report)
            names |= {id(draft): product.name for draft in product.drafts}
    for file in read:
        place = next((draft.place for _, draft in file.groups), Place(str(file.module.path)))
        with _reporting(report, "FLI012", "file", place):
            _write_dag_file(file, names, request.out, report)
    for each in defined:
        with _reporting(report, "FLI012", "file", each.draft.place):
            _write_definitions(each, names, request.out, report)
    _report_given(request.given, report)
    _report_same_ids(read, report)
    report.findings.sort(key=lambda each: (each.place, each.code, each.construct, each.sentence))
    return report, [each for each in products if id(each.drafts[0]) in names]


@contextmanager
def _reporting(report: ImportReport, code: str, construct: str, place: Place) -> Iterator[None]:
    """Report what can't be read or written in the block, and go on with the other files."""
    try:
        yield
    except InvalidProductError as error:
        for each in error.problems:
            at = Place(each.file, each.line, each.column) if each.file else place
            _say(report, code, construct, at, f"{each.what}: correct it, and import it again")
    except EnvironmentProblemError as error:
        _say(report, code, construct, place, f"{error}: correct it, and import it again")
    except RecursionError:
        _say(report, code, construct, place, "it is nested too deeply to be read: simplify it")


def _read_component(file: Path, report: ImportReport) -> ComponentFile | None:
    """Return a component that floe can run; all of it is reported."""
    found = None
    with _reporting(report, "FLI001", "file", Place(str(file))):
        found = _judge_component(file, report)
    return found


def _judge_component(file: Path, report: ImportReport) -> ComponentFile | None:
    found = read_component(file)
    if found is None:
        said = f"it is not a component of type {TYPE}"
        lines = file.read_text(encoding="utf-8").lower().splitlines()
        line = next((n for n, text in enumerate(lines, 1) if "dbt" in text), 0)
        _say(report, "FLI002", "file", Place(str(file), line), said)
        return None
    report.findings += found.findings
    _report_group(found.draft, report)
    return found if found.draft.project and not found.draft.is_undecided else None


def _read(module: Module, said: Sequence[Finding], is_alone: bool) -> ReadFile:
    """Return what the readers make of a file, with all its findings; `said` are those before."""
    nodes: set[ast.AST] = set()
    found, report = (
        ReadFile(module, [reader(module, nodes) for reader in READERS], nodes),
        ImportReport(),
    )
    for reading in found.readings:
        report.findings += reading.findings
        for _, draft in reading.groups:
            _check_selector(draft, report)
            _report_group(draft, report)
    # What else asks for values stays as it is, and goes on to ask for them.
    module.given = replace(module.given, used={})
    unread = UnreadCode(module, [*said, *report.findings], nodes).find()
    report.findings += unread
    if not unread and not any(reading.findings for reading in found.readings):
        sentence = "nothing in it runs dbt as floe import reads it, so it stays as it is"
        alone: Disposition = "unknown" if is_alone else "exact"
        report.findings.append(Finding("FLI002", "file", Place(str(module.path)), alone, sentence))
    found.findings = report.findings
    return found


def _report_beside(file: ReadFile, report: ImportReport, *, is_moved: bool) -> None:
    """Report what code that stays does with what dbt reads and writes."""
    if file.groups:
        report.findings += report_environment(file.module)
    if is_moved:
        report.findings += report_dbt_files(file.module, report.findings, file.nodes)


def _report_given(given: GivenValues, report: ImportReport) -> None:
    """Report what the values that the user gives have decided."""
    for option, places in given.used.items():
        said = "read with this value; where it is another one, floe.yaml stays as it is"
        report.findings.append(Finding("FLI009", option, min(places), "changed", said))
    if unused := given.unused():
        raise UsageError(f"no file asks for the value of {', '.join(unused)}: correct its name")


def _check_selector(draft: GroupDraft, report: ImportReport) -> None:
    """Report a selector that something else narrows: a job of floe has one or the other."""
    if draft.selector and (draft.only or draft.select or draft.exclude):
        draft.is_undecided = True
        said = (
            f"the selector {draft.selector!r} is narrowed further, which a job cannot: decide on a "
            "selector of selectors.yml that says all of it"
        )
        _say(report, "FLI007", draft.name, draft.place, said)


def _report_group(draft: GroupDraft, report: ImportReport) -> None:
    if not draft.project:
        _say(
            report,
            "FLI003",
            draft.name,
            draft.place,
            "its dbt project is not known: it stays as it is",
        )
    elif draft.is_undecided:
        said = "it stays as it is, until what is unknown about it is decided"
        _say(report, "FLI004", draft.name, draft.place, said)


def _say(report: ImportReport, code: str, construct: str, place: Place, sentence: str) -> None:
    report.findings.append(Finding(code, construct, place, "unknown", sentence))


def _roots(file: Path) -> tuple[Path, ...]:
    """Return the folders in which modules are looked up: those above the file, up to its `.git`."""
    found: list[Path] = []
    for folder in file.absolute().parents:
        # Airflow looks in `config` and `plugins` of its folder too.
        found += [folder, folder / "config", folder / "plugins"]
        if (folder / ".git").exists() or len(found) == 18:
            break
    return tuple(found)


def _projects(drafts: list[GroupDraft], given: Sequence[Path]) -> dict[str, DbtProject | None]:
    """Return path -> project; one given folder is not for projects of several names."""
    named = {draft.project for draft in drafts}
    is_one = len({last_part(text) for text in named}) == 1
    return {text: find_project(text, list(given), is_only=is_one) for text in sorted(named)}


def _write_product(product: Product, out: Path, report: ImportReport) -> None:
    """Add the files of a product to the report.

    Raises:
        InvalidProductError: floe would refuse one of them.
    """
    floe_yaml = floe_yaml_text(product.floe_yaml())
    report_project(product)
    report_profile(product)
    report_secrets(product)
    report_computes(product)
    folder = product.project.folder if product.project else out / product.name
    target, profiles = "", copied_profiles(product)
    if not profiles:
        report_profiles_folder(product)
        target = target_of(product)
    compute = next((draft.compute for draft in product.drafts if draft.compute), {})
    manifest = manifest_yaml_text(product.drafts[0].orchestrator, compute, target)
    if profiles:
        report.files[str(folder / PROFILES_FILE)] = profiles
    report.files[str(folder / "floe.yaml")] = floe_yaml
    report.files[str(folder / "manifest.yaml")] = manifest
    report.findings += [finding_of(*each) for each in product.found]
    report.steps.append(f"floe compile {folder}")


def _write_dag_file(file: ReadFile, names: dict[int, str], out: Path, report: ImportReport) -> None:
    replaced: dict[ast.AST, list[tuple[GroupDraft, str]]] = {}
    refused = {call for call, draft in file.groups if id(draft) not in names}
    for call, draft in file.groups:
        if call not in refused:
            replaced.setdefault(call, []).append((draft, names[id(draft)]))
    if not replaced:
        return
    old = [reading.is_old for reading in file.readings]
    text, left = rewritten(
        file.module, replaced, lambda value: any(is_old(value) for is_old in old)
    )
    for argument in left:
        said = "its value is in another file: import it there, and pass it"
        _say(report, "FLI005", argument.name, argument.place, said)
    orchestrator = next(iter(replaced.values()))[0][0].orchestrator
    if orchestrator == "airflow":
        text, outdated = write_for_airflow_3(file.module, text)
        report.findings += outdated
    target = _free_target(out / _FOLDERS[orchestrator], file.module.path, report)
    report.files[str(target)] = text
    if orchestrator == "dagster":
        report.definitions.append((str(file.module.path), str(target)))
    report.steps.append(f"put {target} in the place of {file.module.path}")


def _write_definitions(
    component: ComponentFile, names: dict[int, str], out: Path, report: ImportReport
) -> None:
    if id(component.draft) not in names:
        return
    text = component.text()
    parsed(text)
    named = Path(f"{component.file.absolute().parent}.py")
    target = _free_target(out / "definitions", named, report)
    report.files[str(target)] = text
    report.steps.append(f"put {target} in the place of {component.file}, as definitions.py")


def _free_target(folder: Path, file: Path, report: ImportReport) -> Path:
    """Return where to write a file: below those of its folders that no other file leaves it."""
    parts = file.absolute().parts
    targets = (folder.joinpath(*parts[-count:]) for count in range(1, len(parts)))
    return next(each for each in targets if str(each) not in report.files)


def _report_same_ids(read: list[ReadFile], report: ImportReport) -> None:
    first: dict[str, Place] = {}
    for file in read:
        for reading in file.readings:
            for _, draft in reading.groups:
                if draft.is_own_dag and first.setdefault(draft.name, draft.place) != draft.place:
                    said = (
                        f"{first[draft.name]} makes a DAG with this id too: Airflow "
                        f"shows one of them"
                    )
                    _say(report, "FLI006", f"dag_id {draft.name!r}", draft.place, said)
