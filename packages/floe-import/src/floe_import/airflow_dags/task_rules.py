"""Rules for the arguments that Airflow's tasks take, in `default_args` and `operator_args`.

In floe, one task builds a job. The tasks of its nodes wait in the triggerer and show the
results, with
arguments of their own.
"""

from __future__ import annotations

from datetime import timedelta
from math import isfinite

from floe_import.drafts import GroupDraft
from floe_import.python.values import EnvText, Symbol, Value
from floe_import.report import NO_EFFECT, Verdict, changed, exact, lost, unknown
from floe_import.rules.judging import Keeps, RuleBook

_KEPT = [
    "owner",
    "email",
    "email_on_retry",
    "email_on_failure",
    "start_date",
    "end_date",
    "dag",
    "task_group",
    "queue",
    "priority_weight",
    "weight_rule",
    "executor",
    "executor_config",
    "run_as_user",
    "resources",
    "params",
    "default_args",
    "max_active_tis_per_dag",
    "max_active_tis_per_dagrun",
    "doc",
    "doc_md",
    "doc_json",
    "doc_yaml",
    "doc_rst",
    "logger_name",
    "do_xcom_push",
    "render_template_as_native_obj",
    "ignore_first_depends_on_past",
    "provide_context",
    "allow_nested_operators",
    "catchup",
    "dagrun_timeout",
]
# name -> what it is by default
_OF_BUILD: dict[str, tuple[Value, ...]] = {
    "depends_on_past": (False, None),
    "wait_for_downstream": (False, None),
    "wait_for_past_depends_before_skipping": (False, None),
    "trigger_rule": (
        "all_success",
        Symbol("airflow.utils.trigger_rule.TriggerRule.ALL_SUCCESS"),
        Symbol("airflow.sdk.TriggerRule.ALL_SUCCESS"),
    ),
    "pool_slots": (1,),
    "on_execute_callback": (None, []),
}
_CALLBACKS = [
    "on_failure_callback",
    "on_success_callback",
    "on_retry_callback",
    "on_skipped_callback",
    "sla_miss_callback",
]
_LOST = [
    "inlets",
    "pre_execute",
    "post_execute",
    "map_index_template",
    "multiple_outputs",
]


def add_task_rules(book: RuleBook, owner: str, codes: str, keeps: Keeps = "") -> None:
    """Add the rules to a book; `codes` is the beginning of their codes."""
    book.always(f"{codes}01", owner, _KEPT, exact("the build takes it over"), keeps=keeps)
    for name, default in _OF_BUILD.items():
        book.always(
            f"{codes}02",
            owner,
            [name],
            changed("it holds for the build as a whole, not for each node"),
            keeps=keeps,
            unless=default,
        )
    book.always(
        f"{codes}03",
        owner,
        _CALLBACKS,
        changed("it is called for the build, for each node that failed, and for the outcome"),
        keeps=keeps,
        unless=(None, []),
    )
    book.always(
        f"{codes}04",
        owner,
        _LOST,
        lost("floe's tasks have their own, and this one is not used"),
        unless=(None, [], False),
    )
    said = "floe's build updates floe_asset(product, node), not this: change what waits for it"
    book.always(f"{codes}04", owner, ["outlets"], lost(said), unless=(None, []))
    said = "Airflow 3 ignores it; `deadline` of floe.yaml says when a run is late"
    book.always(f"{codes}07", owner, ["sla"], changed(said), unless=(None,))
    book.always(
        f"{codes}05",
        owner,
        ["task_display_name"],
        changed("tasks have the names of dbt's nodes"),
        unless=(None,),
    )
    for code, names, judge in _READING:
        book.rule(codes + code, owner, *names, unless=(None,))(judge)
    book.rule(f"{codes}20", owner, "execution_timeout", keeps=keeps, unless=(None,))(
        _execution_timeout
    )


def _retries(value: Value, draft: GroupDraft) -> Verdict:
    if not isinstance(value, int):
        return unknown("it is not a number: decide how often a failed build is retried")
    draft.execution["retries"] = value
    return exact(
        "`execution.retries`: a retry builds what failed and what was skipped because of it"
    )


def _retry_delay(value: Value, draft: GroupDraft) -> Verdict:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(seconds, int | float) or not isfinite(seconds):
        return unknown("it is not a duration: decide the delay before a retry")
    draft.execution["retryDelaySeconds"] = int(seconds)
    return exact("`execution.retryDelaySeconds`")


def _backoff(value: Value, draft: GroupDraft) -> Verdict:
    if not value:
        return NO_EFFECT
    draft.execution["retryBackoff"] = "exponential"
    return changed(
        "`execution.retryBackoff: exponential` doubles the delay exactly, without jitter"
    )


def _max_delay(value: Value, draft: GroupDraft) -> Verdict:
    return changed("delays double without a limit, up to the last retry")


def _policy(value: Value, draft: GroupDraft) -> Verdict:
    return lost("`execution` of floe.yaml is the policy: a failed test is never retried")


def _execution_timeout(value: Value, draft: GroupDraft) -> Verdict:
    return changed(
        "it limits the whole build: raise it, and limit nodes by `meta.floe.timeoutSeconds`"
    )


def _pool(value: Value, draft: GroupDraft) -> Verdict:
    if isinstance(value, EnvText) or not isinstance(value, str):
        return unknown("floe.yaml names no variables: decide which pool the build uses")
    draft.pool = value
    return changed("`pool` of the job: a build takes one slot, not one for each node that runs")


_READING = (
    ("10", ("retries",), _retries),
    ("11", ("retry_delay",), _retry_delay),
    ("12", ("retry_exponential_backoff",), _backoff),
    ("13", ("max_retry_delay",), _max_delay),
    ("14", ("retry_policy",), _policy),
    ("15", ("pool",), _pool),
)
