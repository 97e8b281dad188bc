"""The life of a release, from its install to the next, by a model of Helm and the API server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from api_server import ApiServer, RefusedError, doubled_keys, invalid_names
from charts import CHARTS, Chart, each_chart, each_scenario
from helm_engine import ENGINES, HelmRefusedError, Values
from helm_release import HOOK, HelmRelease, notes
from pods import named

NEXT = {"image": {"tag": "9.9.9"}, "podAnnotations": {"changed": "yes"}}
ON, OFF = ({"migrations": {"useHelmHooks": choice}} for choice in (True, False))
LOGS = {"logs": {"persistence": {"enabled": True}}, "migrations": {"useHelmHooks": False}}
[AIRFLOW] = [chart for chart in CHARTS if chart.name == "floe-airflow"]
each_engine = pytest.mark.parametrize("line", ENGINES)


def release(chart: Chart, line: str) -> HelmRelease:
    return HelmRelease(ApiServer(), chart.folder, line)


@pytest.mark.slow
@each_engine
@each_scenario
def test_a_release_lives_and_leaves_nothing_that_stops_the_next(
    chart: Chart, scenario: str, line: str
) -> None:
    values = chart.scenarios[scenario]
    ours = release(chart, line)
    ours.install(values)
    ours.upgrade(values, NEXT)
    ours.uninstall()
    assert unowned(ours.cluster) == []
    ours.install(values)
    ours.upgrade(values, OFF)
    ours.upgrade(values, NEXT, ON)
    ours.uninstall()
    ours.install(values, OFF)


@each_engine
@each_chart
@pytest.mark.parametrize("fails", ["hook", "midway"])
@pytest.mark.parametrize(("before", "after"), list(product([ON, OFF], repeat=2)))
def test_an_upgrade_that_fails_can_be_rolled_back_tried_again_and_uninstalled(
    chart: Chart, line: str, fails: str, before: Values, after: Values
) -> None:
    ours = release(chart, line)
    ours.install(before)
    there = set(ours.cluster.objects)
    ours.upgrade(NEXT, after, fails=fails)
    ours.rollback(1)
    assert there <= set(ours.cluster.objects)
    ours.upgrade(NEXT, after)
    ours.rollback(1)
    ours.upgrade(NEXT, after, fails=fails)
    ours.uninstall()
    ours.install(after)


@each_chart
def test_a_release_of_the_defaults_lives(chart: Chart) -> None:
    test_a_release_lives_and_leaves_nothing_that_stops_the_next(chart, "defaults", ENGINES[0])


@pytest.mark.parametrize("line", ENGINES)
def test_airflows_logs_outlive_the_release(line: str) -> None:
    ours = release(AIRFLOW, line)
    ours.install(LOGS)
    [volume] = [name for name in ours.cluster.objects if name.startswith("PersistentVolumeClaim/")]
    ours.upgrade(LOGS, {"logs": {"persistence": {"enabled": False}}})
    assert volume in ours.cluster.objects
    ours.upgrade(LOGS)
    ours.uninstall()
    assert [*ours.cluster.objects] == [volume]


@each_chart
def test_no_object_is_plain_in_one_revision_and_a_hook_in_another(chart: Chart) -> None:
    plain: set[str] = set()
    hooks: set[str] = set()
    for choice, is_upgrade in product((ON, OFF), (True, False)):
        revision = release(chart, ENGINES[0])._revision((choice,), is_upgrade)
        plain |= revision.plain.keys()
        hooks |= revision.hooks.keys()
    assert plain & hooks == set()


def unowned(cluster: ApiServer) -> list[str]:
    """Return what no release owns: hooks that outlived theirs."""
    return [name for name, thing in cluster.objects.items() if HOOK in notes(thing)]


def containers(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every container in what was rendered."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("containers", "initContainers"):
                yield from inner
            yield from containers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from containers(inner)


@pytest.mark.long
@each_scenario
def test_a_variable_that_the_chart_sets_too_is_there_once_with_the_users_value(
    chart: Chart, scenario: str
) -> None:
    values = chart.scenarios[scenario]
    names = {
        each["name"]
        for container in containers(chart.objects(values))
        for each in container.get("env", [])
    }
    mine = [{"name": name, "value": "mine"} for name in sorted(names)]
    rendered = chart.objects(values, {"extraEnv": mine})
    assert list(doubled_keys(rendered)) == []
    found = [
        {each["name"]: each.get("value") for each in container["env"]}
        for container in containers(rendered)
        if container.get("env")
    ]
    ours = [env for env in found if "mine" in env.values()]
    assert ours
    assert {value for env in ours for name, value in env.items() if name in names} == {"mine"}


LONG = "a" + "-b" * 31
NAMES = ["shop", "ends-", "x" * 58, "x" * 63, LONG, f"{'x' * 57}-y", f"{'x' * 62}-"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_a_product_may_have_is_valid_in_all_that_is_made_of_it(name: str) -> None:
    chart = next(chart for chart in CHARTS if chart.name == "floe-airflow")
    image = {"repository": "registry.example.com/products", "tag": "1"}
    products = {"products": [{"name": name, "image": image}, {"name": "other", "image": image}]}
    rendered = chart.objects(products)
    assert [text for thing in rendered for text in invalid_names(thing)] == []
    assert any(name in " ".join(each.get("command", [])) for each in containers(rendered))


@pytest.mark.parametrize("name", ["ends-", "x" * 64, "-a"])
def test_a_code_location_whose_name_kubernetes_refuses_is_refused_by_the_chart(name: str) -> None:
    chart = next(chart for chart in CHARTS if chart.name == "floe-dagster")
    with pytest.raises(HelmRefusedError) as refused:
        chart.objects({"codeLocations": [{"name": name}]})
    assert "codeLocations" in str(refused.value)


def test_the_model_refuses_a_hook_that_outlives_its_release_and_is_plain_in_the_next() -> None:
    life = release(CHARTS[0], ENGINES[0])
    [account] = [
        thing
        for name, thing in life._revision((), True).hooks.items()
        if name.startswith("ServiceAccount/")
    ]
    life.cluster.apply(account)
    with pytest.raises(RefusedError, match="invalid ownership metadata"):
        life._refuse_others([named(account)])


def test_the_model_refuses_a_rollback_to_an_object_that_the_failed_revision_lacks() -> None:
    life = release(CHARTS[0], ENGINES[0])
    life.install(OFF)
    job = {"kind": "ConfigMap", "metadata": {"name": "once"}}
    life.revisions[0].plain["ConfigMap/once"] = job
    life.cluster.apply(job)
    life.upgrade(NEXT, fails="hook")
    with pytest.raises(RefusedError, match='no ConfigMap with the name "once" found'):
        life.rollback(1)
