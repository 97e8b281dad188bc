"""What each flag of dbt becomes, and which program dbt is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from floe_core.user_yaml.dbt_yaml import read_vars
from floe_import.drafts import GroupDraft
from floe_import.python.values import EnvText, LocalPath, Value, has_template, is_plain
from floe_import.report import Verdict, changed, exact, lost, unknown

Judge = Callable[[list[str], GroupDraft], Verdict]


@dataclass(frozen=True)
class Flag:
    """A flag: its code, how many words it takes (-1 for all up to the next flag), and its judge."""

    code: str
    takes: int
    judge: Judge


def _said(verdict: Verdict) -> Judge:
    return lambda words, draft: verdict


def _select(words: list[str], draft: GroupDraft) -> Verdict:
    draft.select += _terms(words)
    return exact("`select` of the job")


def _exclude(words: list[str], draft: GroupDraft) -> Verdict:
    draft.exclude += _terms(words)
    return exact("`exclude` of the job")


def _terms(words: list[str]) -> list[str]:
    return [term for word in words for term in word.split()]


def _selector(words: list[str], draft: GroupDraft) -> Verdict:
    draft.selector = words[0]
    return exact("`selector` of the job")


def _vars(words: list[str], draft: GroupDraft) -> Verdict:
    if has_template(words[0]):
        return unknown(
            "the orchestrator renders these vars; floe passes `floe_nominal_time` and "
            "other vars of the "
            "run, so decide which of them the models are to read"
        )
    if isinstance(words[0], LocalPath):
        return unknown(
            "a path in it depends on where the file is: decide what floe.yaml is to pass"
        )
    try:
        found = read_vars(words[0])
    except ValueError:
        found = None
    if found is None or not is_plain(found):
        return unknown("these vars are not plain values: decide what floe.yaml is to pass")
    draft.vars |= found
    return exact("`vars` of floe.yaml")


def _full_refresh(words: list[str], draft: GroupDraft) -> Verdict:
    draft.full_refresh = True
    return exact("`fullRefresh` of the job")


def _target(words: list[str], draft: GroupDraft) -> Verdict:
    draft.target = words[0]
    return exact("the target of the profile")


def _profile(words: list[str], draft: GroupDraft) -> Verdict:
    draft.profile = words[0]
    return exact("the profile that dbt_project.yml or DBT_PROFILE names")


def _profiles_dir(words: list[str], draft: GroupDraft) -> Verdict:
    draft.profiles_dir = words[0]
    return exact(
        "floe finds profiles.yml as dbt does: in the project's folder, or in DBT_PROFILES_DIR"
    )


def _project_dir(words: list[str], draft: GroupDraft) -> Verdict:
    draft.project = words[0]
    return exact("the folder of the product")


def _threads(words: list[str], draft: GroupDraft) -> Verdict:
    if not words[0].isdecimal():
        return unknown("it is not a number: decide how many threads dbt has")
    draft.execution["maxParallel"] = int(words[0])
    return exact("`execution.maxParallel`")


def _indirect(words: list[str], draft: GroupDraft) -> Verdict:
    if words[0] == "eager":
        return exact("dbt's default, which floe uses")
    return changed(f"{words[0]}: floe selects tests as dbt does by default (eager)")


def _resource_type(words: list[str], draft: GroupDraft) -> Verdict:
    kinds = tuple(_terms(words))
    draft.only = tuple(k for k in draft.only if k in kinds) if draft.only else kinds
    return exact("`select` of the job names the resource types")


def _exclude_resource_type(words: list[str], draft: GroupDraft) -> Verdict:
    draft.exclude += [f"resource_type:{kind}" for kind in _terms(words)]
    return exact("`exclude` of the job names the resource types")


_QUIET = exact("it is about what dbt prints or caches")
_PROJECT_FLAG = changed("floe does not pass this flag: set it under `flags:` in dbt_project.yml")
_LOST = lost("floe does not pass this flag")

LEAVES_RESULTS = changed(
    "a run leaves its results in `.floe/runs`; `artifacts.to` of floe.yaml names another place"
)

FLAGS: dict[str, Flag] = {}


def _add(flag: Flag, *names: str) -> None:
    FLAGS.update(dict.fromkeys(names, flag))


_add(Flag("DBT101", -1, _select), "--select", "-s", "--models", "--model", "-m")
_add(Flag("DBT102", -1, _exclude), "--exclude")
_add(Flag("DBT103", 1, _selector), "--selector")
_add(Flag("DBT104", 1, _vars), "--vars")
_add(Flag("DBT105", 0, _full_refresh), "--full-refresh", "-f")
_add(Flag("DBT106", 1, _target), "--target", "-t")
_add(Flag("DBT107", 1, _profile), "--profile")
_add(Flag("DBT108", 1, _profiles_dir), "--profiles-dir")
_add(Flag("DBT109", 1, _project_dir), "--project-dir")
_add(Flag("DBT110", 1, _threads), "--threads")
# Where each call of dbt builds one node.
_NO_USE = _said(exact("a call of dbt for one node has no use for it"))
FLAGS_OF_ONE_NODE = {
    "--threads": Flag("DBT110", 1, _NO_USE),
    "--target-path": Flag("DBT117", 1, _NO_USE),
}
_add(Flag("DBT111", 1, _indirect), "--indirect-selection")
_add(Flag("DBT112", -1, _resource_type), "--resource-type", "--resource-types")
_add(Flag("DBT113", -1, _exclude_resource_type), "--exclude-resource-type")
_add(
    Flag("DBT114", 0, _said(_QUIET)),
    *("--no-version-check", "--no-use-colors", "--use-colors", "--quiet", "-q", "--debug", "-d"),
    *("--no-partial-parse", "--partial-parse", "--cache-selected-only", "--print", "--no-print"),
    *("--no-use-colors-file", "--use-colors-file", "--no-write-json", "--write-json"),
    *("--populate-cache", "--no-populate-cache", "--no-send-anonymous-usage-stats"),
    *("--no-anonymous-usage-stats", "--send-anonymous-usage-stats", "--no-fail-fast", "--no-debug"),
    *("--no-introspect", "--introspect", "--no-static-parser", "--static-parser"),
)
_add(
    Flag("DBT114", 1, _said(_QUIET)),
    *("--log-format", "--log-level", "--log-path", "--log-format-file", "--log-level-file"),
    *("--log-file-max-bytes", "--printer-width"),
)
_add(
    Flag("DBT115", 0, _said(_PROJECT_FLAG)),
    "--fail-fast",
    "-x",
    "--warn-error",
    "--store-failures",
    "--no-store-failures",
)
_add(Flag("DBT115", 1, _said(_PROJECT_FLAG)), "--warn-error-options")
_add(Flag("DBT116", 0, _said(_LOST)), "--defer", "--favor-state", "--empty", "--no-defer")
_add(
    Flag("DBT116", 1, _said(_LOST)),
    *("--state", "--defer-state", "--event-time-start", "--event-time-end", "--sample"),
)
_add(Flag("DBT117", 1, _said(LEAVES_RESULTS)), "--target-path")


def use_executable(value: Value, draft: GroupDraft) -> Verdict:
    """Put a dbt program into the draft."""
    if value == "dbt":
        return exact("the dbt that floe finds")
    if isinstance(value, EnvText) and ":-" in value:
        return changed(
            f"a path in floe.yaml has no defaults: set `execution.dbtExecutable` to what {value} is"
        )
    if isinstance(value, LocalPath):
        return changed(
            f"the path depends on where the file is ({value} here): set `execution.dbtExecutable` "
            "to what it is where dbt runs"
        )
    if not isinstance(value, str):
        return unknown("it is not a path: decide which dbt runs")
    draft.execution["dbtExecutable"] = str(value)
    return exact("`execution.dbtExecutable` of floe.yaml")
