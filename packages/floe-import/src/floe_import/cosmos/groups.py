"""Find what Cosmos makes in a DAG file, and let the rules read all of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from floe_import.airflow_dags.dags import (
    cron_schedule,
    dag_arguments,
    enclosing_dag,
    is_within_dag,
    unfit_uses,
    uses_of_nodes,
)
from floe_import.cosmos import (
    dag_rules,
    execution_rules,
    operator_rules,
    profile_rules,
    project_rules,
    render_rules,
)
from floe_import.cosmos.assets import judge_assets
from floe_import.cosmos.connections_file import Connections
from floe_import.cosmos.profile_mappings import read_mapping
from floe_import.dbt_commands.command_line import build_with
from floe_import.drafts import GroupDraft
from floe_import.python.arguments import Argument, arguments
from floe_import.python.conditions import is_reached
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.objects import Made
from floe_import.python.values import Symbol, Unknown, Value, has_template
from floe_import.report import NO_EFFECT, Place, changed, exact, unknown
from floe_import.rules.drafts_of_turns import read_turns
from floe_import.rules.judging import Judging, cannot_read

# In the order in which their constructors take arguments without names.
POSITIONAL = {
    "ProjectConfig": (
        *("dbt_project_path", "install_dbt_deps", "copy_dbt_packages", "models_relative_path"),
        *("seeds_relative_path", "snapshots_relative_path", "manifest_path", "manifest_conn_id"),
        *("project_name", "env_vars", "dbt_vars", "partial_parse"),
    ),
    "ProfileConfig": ("profile_name", "target_name", "profiles_yml_filepath", "profile_mapping"),
    "ExecutionConfig": (
        *("execution_mode", "invocation_mode", "test_indirect_selection", "dbt_executable_path"),
        *("install_dbt_deps", "dbt_project_path", "virtualenv_dir"),
    ),
    "RenderConfig": ("emit_datasets", "test_behavior", "load_method", "invocation_mode", "select"),
    "DbtTaskGroup": ("group_id",),
    "DbtDag": (),
}
NESTED = {
    "project_config": "ProjectConfig",
    "profile_config": "ProfileConfig",
    "execution_config": "ExecutionConfig",
    "render_config": "RenderConfig",
}
GROUPS = ("DbtDag", "DbtTaskGroup")
# Of Cosmos's operators, those that build nodes.
_BUILDS = re.compile(r"Dbt(Build|Run|Seed|Snapshot|Test)(?!Operation)(?!AirflowAsync)\w*Operator")
# Argument of such an operator -> what means the same in a configuration object.
_OF_CONFIGURATION = {
    "project_dir": ("ProjectConfig", "dbt_project_path"),
    "select": ("RenderConfig", "select"),
    "models": ("RenderConfig", "select"),
    "exclude": ("RenderConfig", "exclude"),
    "selector": ("RenderConfig", "selector"),
}
_OF_AIRFLOW_2 = (
    *("airflow.operators.", "airflow.decorators.", "airflow.models.", "airflow.sensors."),
    *("airflow.utils.dates.", "airflow.utils.task_group.", "airflow.datasets."),
)
RULES = (dag_rules, execution_rules, operator_rules, profile_rules, project_rules, render_rules)


@dataclass
class CosmosGroups:
    """The groups of one file: `made` pairs each call with its draft; `read` are all calls read."""

    judging: Judging
    connections: Connections
    # See `assets.asset_user`: files are searched once, and only where there is a group.
    asset_user: Callable[[], Place | None]
    made: list[tuple[Made, GroupDraft]] = field(default_factory=list)
    read: set[ast.Call] = field(default_factory=set)

    @property
    def decided(self) -> list[ast.Call]:
        """The calls whose groups floe can run."""
        return [made.call for made, draft in self.made if not draft.is_undecided]

    def read_file(self, module: Module) -> None:
        """Read each group of a file."""
        for made in cosmos_calls(module):
            kind = _BUILDS.fullmatch(made.last)
            if not kind and made.last not in GROUPS:
                continue
            if is_reached(made.call, module) is False:
                self._leave(made)
            else:
                read = partial(self._read_operator, kind=kind[1]) if kind else self._read_group
                made_by_turn = read_turns(made, partial(read, made))
                self.made += [(made, draft) for draft in made_by_turn.drafts]
                if made_by_turn.verdict is not None:
                    place = module.place(made.call)
                    self.judging.add("COS001", made.last, place, made_by_turn.verdict)

    def _leave(self, made: Made) -> None:
        """Leave a group as it is that no condition lets the file make."""
        place, said = made.module.place(made.call), "its condition is false: it stays as it is"
        self.judging.add("COS010", made.last, place, exact(said))
        # What it uses is read with it.
        alone = replace(self, judging=replace(self.judging, found={}), made=[])
        if made.last in GROUPS:
            alone._read_group(made)
        self.read.add(made.call)

    def _read_operator(self, made: Made, kind: str) -> GroupDraft:
        """Read an operator that builds nodes by itself, which becomes a group of a job."""
        place = made.module.place(made.call)
        draft = GroupDraft(place, made.last)
        self.read.add(made.call)
        self.judging.add("COS721", made.last, place, build_with(kind.lower(), draft))
        for argument in arguments(made, ()):
            self._read_argument_of_operator(made.last, argument, draft)
        for node, verdict in unfit_uses(made):
            place = made.module.place(node)
            self.judging.put("COS722", ast.unparse(node), place, verdict, draft)
        self._read_enclosing_dag(made, draft)
        return draft

    def _read_argument_of_operator(self, owner: str, argument: Argument, draft: GroupDraft) -> None:
        name, value = argument.name, argument.value
        if name == "task_id":
            draft.group_id = argument
            draft.name = value if isinstance(value, str) else draft.name
            verdict = exact("the id of the group that takes its place")
            self.judging.add("COS723", f"{owner}(task_id=)", argument.place, verdict)
        elif name == "profile_config":
            self._read_nested("ProfileConfig", argument, draft)
        elif name not in _OF_CONFIGURATION:
            self.judging.judge("operator_args", argument, draft)
        elif has_template(value):
            verdict = unknown("Airflow renders it in each run: decide what floe.yaml is to have")
            self.judging.put("COS724", f"{owner}({name}=)", argument.place, verdict, draft)
        else:
            if name == "project_dir":
                draft.folder = argument
            elif isinstance(value, str) and name != "selector":
                value = value.split()
            configuration, known = _OF_CONFIGURATION[name]
            same = replace(argument, name=known, value=value)
            self.judging.judge(configuration, same, draft, shown=f"{owner}({name}=)")

    def _read_group(self, made: Made) -> GroupDraft:
        place = made.module.place(made.call)
        draft = GroupDraft(
            place,
            made.last,
            is_own_dag=made.last == "DbtDag",
            rendered={},
            asset_user=self.asset_user(),
        )
        self.read.add(made.call)
        given = list(arguments(made, POSITIONAL[made.last]))
        # What others depend on comes first, then what `operator_args` override.
        first = ("execution_config", "default_args")
        for argument in sorted(given, key=lambda each: each.name not in first):
            if argument.name == "dag" and not draft.is_own_dag:
                self._read_dag(made, argument, draft)
            else:
                self._read_argument(made.last, argument, draft)
        for node, verdict in uses_of_nodes(made):
            self.judging.put("COS722", ast.unparse(node), made.module.place(node), verdict, draft)
        if draft.emits_assets is None:
            # Cosmos's default.
            verdict = judge_assets(True, draft.asset_user)
            self.judging.add("COS401", f"{made.last}: assets", place, verdict)
        self._name(draft, {each.name: each for each in given})
        if draft.is_own_dag:
            self._read_schedule(made, draft, {each.name: each for each in given})
        else:
            self._read_enclosing_dag(made, draft)
        return draft

    def _read_argument(self, owner: str, argument: Argument, draft: GroupDraft) -> None:
        name, value, place = argument.name, argument.value, argument.place
        if value is None and name in (*NESTED, "operator_args", "default_args"):
            said = NO_EFFECT
            self.judging.add("COS000", f"{owner}({name}=)", place, said)
        elif name in NESTED:
            self._read_nested(NESTED[name], argument, draft)
        elif name == "operator_args":
            self.judging.judge_mapping("operator_args", value, place, draft)
        elif name == "default_args":
            self.judging.judge_default_args(value, place, draft)
            draft.keep(argument, "call")
        elif name in ("schedule", "schedule_interval") and draft.is_own_dag:
            draft.keep(argument, "call")
        else:
            self.judging.judge(owner, argument, draft)

    def _read_nested(self, owner: str, argument: Argument, draft: GroupDraft) -> None:
        value = argument.value
        if (
            not isinstance(value, Made)
            or value.last != owner
            or not value.name.startswith("cosmos.")
        ):
            why = _why_not(value, owner)
            self.judging.put("COS002", owner, argument.place, unknown(why), draft)
            return
        self.read.add(value.call)
        for each in arguments(value, POSITIONAL[owner]):
            if each.name == "profile_mapping" and _is_cosmos(each.value):
                self.read.add(each.value.call)
                report = partial(self.judging.put, draft=draft)
                read_mapping(each.value, self.connections, draft, report)
                continue
            if each.name == "dbt_project_path" and draft.folder is None and each.value is not None:
                draft.folder = each
            if each.name in ("select", "exclude", "selector") and draft.rendered is not None:
                draft.rendered[each.name] = each.value
            self.judging.judge(owner, each, draft)

    def _read_dag(self, made: Made, argument: Argument, draft: GroupDraft) -> None:
        """Read the DAG that a group names."""
        if argument.value is None or is_within_dag(made.call, made.module):
            verdict = exact("the group is in the DAG around it")
        else:
            draft.keep(argument, "call")
            verdict = exact("stays the DAG of the group")
        self.judging.put("COS707", "DbtTaskGroup(dag=)", argument.place, verdict, draft)

    def _name(self, draft: GroupDraft, given: dict[str, Argument]) -> None:
        named = given.get("dag_id") or given.get("group_id")
        if named is not None and isinstance(named.value, str):
            draft.name = named.value
        elif not draft.is_own_dag and named is None:
            draft.name = "dbt_task_group"
            # Cosmos's default.
            draft.group_id = Argument("group_id", draft.name, draft.place)

    def _read_schedule(self, made: Made, draft: GroupDraft, given: dict[str, Argument]) -> None:
        argument = given.get("schedule") or given.get("schedule_interval")
        found = cron_schedule(given)
        if argument is None:
            if _is_of_airflow_2(made.module):
                said = "Airflow 2 runs it each day without one, and Airflow 3 only by hand: set it"
                self.judging.add("COS715", "DbtDag: no schedule", draft.place, changed(said))
            return
        construct = f"DbtDag({argument.name}=)"
        if found is None:
            said = "stays an argument of the DAG: Airflow's own timetable"
            self.judging.add("COS711", construct, argument.place, exact(said))
            return
        draft.schedule = found
        names = ("schedule", "schedule_interval")
        draft.kept_of_call = [each for each in draft.kept_of_call if each.name not in names]
        said = f"`schedule` of floe.yaml: {found['cron']} in {found['timezone']}"
        self.judging.add("COS710", construct, argument.place, exact(said))

    def _read_enclosing_dag(self, made: Made, draft: GroupDraft) -> None:
        dag = enclosing_dag(made.call, made.module)
        if dag is None:
            said = "its DAG is not around it in this file: decide how often its tasks are retried"
            self.judging.add("COS003", made.last, draft.place, unknown(said))
            return
        given = dag_arguments(dag)
        defaults = given.get("default_args")
        if defaults is not None and defaults.value is not None:
            before, pool = dict(draft.execution), draft.pool
            self.judging.judge_default_args(defaults.value, defaults.place, draft)
            draft.execution |= before
            draft.pool = pool or draft.pool
        for name in ("max_active_tasks", "concurrency"):
            if name in given:
                verdict = dag_rules.parallel_around(given[name].value, draft)
                self.judging.add("COS702", f"DAG({name}=)", given[name].place, verdict)


def _is_of_airflow_2(module: Module) -> bool:
    """Return whether a file imports what Airflow 3 has elsewhere."""
    names = (each.imported for found in module.bindings.values() for each in found)
    return any(name.startswith(_OF_AIRFLOW_2) for name in names)


def _is_cosmos(value: Value) -> bool:
    return isinstance(value, Made) and value.name.startswith("cosmos.")


def _why_not(value: Value, owner: str) -> str:
    """Return why an argument can't be read as one of Cosmos's objects."""
    if isinstance(value, Unknown):
        return cannot_read(value)
    if isinstance(value, Symbol):
        return f"`{value.name}` is not in a file beside this one: decide what it is"
    return f"it is not a {owner}: decide what it is to become"


def cosmos_calls(module: Module) -> Iterator[Made]:
    """Yield each call of a name of Cosmos in a file, in the order of the file."""
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda each: (each.lineno, each.col_offset)):
        called = evaluate(node.func, module)
        if isinstance(called, Symbol) and called.name.startswith("cosmos."):
            yield Made(called.name, node, module)
