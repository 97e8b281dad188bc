"""Each check of the charts finds what is broken on purpose."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_schemas
import network_flows
import pytest
import restricted_pods
import schema_closure
from chart_values import at
from charts import CHARTS, Chart
from helm_engine import Object
from immutable_fields import changed, immutable_fields
from key_coverage import keys_without_effect
from pods import named
from strict_yaml import DuplicateKeyError, documents
from wiring import Wiring

[CHART] = [each for each in CHARTS if each.plugin == "dagster"]
Break = Callable[[Object], Any]


@pytest.fixture(scope="module")
def rendered() -> list[Object]:
    return CHART.objects({"codeLocations": [{"name": "shop"}]})


def broken(rendered: list[Object], name: str, change: Break) -> list[Object]:
    objects = copy.deepcopy(rendered)
    [thing] = [each for each in objects if named(each) == name]
    change(thing)
    return objects


def pod(thing: Object) -> Object:
    spec: Object = thing["spec"]["template"]["spec"]
    return spec


def container(thing: Object) -> Object:
    found: Object = pod(thing)["containers"][0]
    return found


def security(thing: Object) -> Object:
    found: Object = container(thing)["securityContext"]
    return found


WEBSERVER = "Deployment/floe-floe-dagster-webserver"
CODE_SERVER = "Deployment/floe-floe-dagster-code-server-shop"
UNRESTRICTED: dict[str, Break] = {
    "webserver: may run as root": lambda t: (
        [
            at(t, place).update(runAsNonRoot=False)
            for place in ("spec.template.spec.securityContext",)
        ]
        + [security(t).update(runAsNonRoot=False)]
    ),
    "webserver: runAsUser is 0": lambda t: security(t).update(runAsUser=0),
    "webserver: no seccomp profile RuntimeDefault": lambda t: pod(t)["securityContext"].pop(
        "seccompProfile"
    ),
    "webserver: may gain privileges": lambda t: security(t).pop("allowPrivilegeEscalation"),
    "webserver: is privileged": lambda t: security(t).update(privileged=True),
    "webserver: keeps capabilities": lambda t: security(t).update(
        capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}
    ),
    "webserver: may write to its root file system": lambda t: security(t).pop(
        "readOnlyRootFilesystem"
    ),
    "webserver: takes a port of the node": lambda t: container(t)["ports"][0].update(hostPort=1),
    "webserver: no request of cpu": lambda t: container(t)["resources"]["requests"].pop("cpu"),
    "webserver: no limit of memory": lambda t: container(t)["resources"].pop("limits"),
    "hostNetwork is on": lambda t: pod(t).update(hostNetwork=True),
    "volume tmp is of kind hostPath": lambda t: pod(t)["volumes"].append(
        {"name": "tmp", "hostPath": {"path": "/"}}
    ),
    "runs as the namespace's default ServiceAccount": lambda t: pod(t).pop("serviceAccountName"),
    "automountServiceAccountToken is False": lambda t: pod(t).update(
        automountServiceAccountToken=False
    ),
}


@pytest.mark.parametrize("finding", UNRESTRICTED)
def test_a_pod_that_asks_for_more_is_found(rendered: list[Object], finding: str) -> None:
    objects = broken(rendered, WEBSERVER, UNRESTRICTED[finding])
    found = restricted_pods.findings(CHART.pods(objects), CHART.launchers)
    # What holds for a pod is found in each of its containers.
    assert {text.replace("wait-for-postgres", "webserver") for text in found} == {
        f"{WEBSERVER}: {finding}"
    }


MISWIRED: dict[str, tuple[str, Break]] = {
    f"{WEBSERVER}: there is no Secret/other": (
        WEBSERVER,
        lambda t: container(t)["env"].append(
            {"name": "X", "valueFrom": {"secretKeyRef": {"name": "other", "key": "x"}}}
        ),
    ),
    f"{WEBSERVER}: ConfigMap floe-floe-dagster-workspace has no key other.yaml": (
        WEBSERVER,
        lambda t: [
            each.update(subPath="other.yaml")
            for each in container(t)["volumeMounts"]
            if each["name"] == "workspace"
        ],
    ),
    f"{WEBSERVER}: webserver: livenessProbe asks port other, which the container does not have": (
        WEBSERVER,
        lambda t: container(t)["livenessProbe"]["httpGet"].update(port="other"),
    ),
    f"{WEBSERVER}: webserver: variable DAGSTER_HOME twice": (
        WEBSERVER,
        lambda t: container(t)["env"].append({"name": "DAGSTER_HOME", "value": "/"}),
    ),
    f"{CODE_SERVER} selects the pods of []": (
        CODE_SERVER,
        lambda t: t["spec"]["selector"]["matchLabels"].update(other="x"),
    ),
    "Service/floe-floe-dagster-webserver: its pods have no port other": (
        "Service/floe-floe-dagster-webserver",
        lambda t: t["spec"]["ports"][0].update(targetPort="other"),
    ),
    "Service/floe-floe-dagster-webserver selects no pod": (
        "Service/floe-floe-dagster-webserver",
        lambda t: t["spec"]["selector"].update(other="x"),
    ),
    "RoleBinding/floe-floe-dagster-daemon binds no role": (
        "RoleBinding/floe-floe-dagster-daemon",
        lambda t: t["roleRef"].update(name="other"),
    ),
    "something asks floe-floe-dagster-code-server-shop:9, which the Service does not have": (
        WEBSERVER,
        lambda t: container(t)["command"].append("http://floe-floe-dagster-code-server-shop:9/"),
    ),
}


@pytest.mark.parametrize("finding", MISWIRED)
def test_a_reference_that_leads_nowhere_is_found(rendered: list[Object], finding: str) -> None:
    objects = broken(rendered, *MISWIRED[finding])
    given = frozenset({"Secret/floe-dagster-postgres"})
    assert finding in Wiring(objects, CHART.pods(objects), given).findings()


[AIRFLOW] = [each for each in CHARTS if each.plugin == "airflow"]
WORKER, ROUTE = "floe-floe-airflow-worker", "HTTPRoute/floe-floe-airflow-api-server"
SCALED, ACCESS = f"ScaledObject/{WORKER}", f"TriggerAuthentication/{WORKER}"
BACKEND = "spec.rules.0.backendRefs.0"


def part(thing: Object, place: str) -> Object:
    steps = tuple(int(step) if step.isdigit() else step for step in place.split("."))
    found: Object = at(thing, steps)
    return found


OF_PLATFORM: dict[str, tuple[str, Break]] = {
    f"{SCALED} scales nothing": (SCALED, lambda t: t["spec"]["scaleTargetRef"].update(name="x")),
    f"{SCALED} has no TriggerAuthentication": (
        SCALED,
        lambda t: part(t, "spec.triggers.0.authenticationRef").update(name="x"),
    ),
    f"there is no Secret/x, which {ACCESS} reads": (
        ACCESS,
        lambda t: part(t, "spec.secretTargetRef.0").update(name="x"),
    ),
    f"{ROUTE} leads to no port 9 of a Service floe-floe-airflow-api-server": (
        ROUTE,
        lambda t: part(t, BACKEND).update(port=9),
    ),
}


@pytest.fixture(scope="module")
def platform() -> list[Object]:
    return AIRFLOW.objects(AIRFLOW.scenarios["platform"])


@pytest.mark.parametrize("finding", OF_PLATFORM)
def test_a_route_or_a_scaler_that_leads_nowhere_is_found(
    platform: list[Object], finding: str
) -> None:
    assert finding not in Wiring(platform, AIRFLOW.pods(platform)).findings()
    objects = broken(platform, *OF_PLATFORM[finding])
    given = frozenset({"Secret/airflow-database"})
    assert finding in Wiring(objects, AIRFLOW.pods(objects), given).findings()


UNKNOWN: dict[str, Break] = {
    ROUTE: lambda t: part(t, BACKEND).update(port="http"),
    SCALED: lambda t: t["spec"].update(minReplicas=2),
    ACCESS: lambda t: part(t, "spec.secretTargetRef.0").pop("key"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_custom_object_with_a_wrong_field_is_found(platform: list[Object], name: str) -> None:
    assert kubernetes_schemas.problems(platform, "1.32.0") == []
    objects = broken(platform, name, UNKNOWN[name])
    [found] = kubernetes_schemas.problems(objects, "1.32.0")
    assert found.startswith(name)


def test_a_flow_that_is_open_and_not_declared_is_found(rendered: list[Object]) -> None:
    policy = "NetworkPolicy/floe-floe-dagster-code-server"
    extra = {"ports": [{"port": 22}]}
    objects = broken(rendered, policy, lambda t: t["spec"]["ingress"].append(extra))
    before = network_flows.allowed(rendered, CHART.pods(rendered))
    now = network_flows.allowed(objects, CHART.pods(objects))
    assert now - before == {network_flows.Flow("anywhere", "code-server", 22)}


def test_pods_without_a_policy_are_found(rendered: list[Object]) -> None:
    some = [each for each in rendered if named(each) != "NetworkPolicy/floe-floe-dagster-run"]
    assert network_flows.unguarded(some, CHART.pods(some)) == ["run: Ingress", "run: Egress"]


def test_a_changed_selector_is_found(rendered: list[Object]) -> None:
    objects = broken(
        rendered, WEBSERVER, lambda t: t["spec"]["selector"]["matchLabels"].update(version="2")
    )
    assert changed(immutable_fields(rendered), immutable_fields(objects)) == [WEBSERVER]


def test_a_key_that_does_nothing_is_found(tmp_path: Path) -> None:
    shutil.copytree(CHART.folder, tmp_path / CHART.name)
    values, schema = tmp_path / CHART.name / "values.yaml", copy.deepcopy(CHART.schema)
    values.write_text(values.read_text() + "\n# Nothing.\nunused: 1\n")
    schema["properties"]["unused"] = {"type": "integer"}
    (values.parent / "values.schema.json").write_text(json.dumps(schema))
    some = {key: schema["properties"][key] for key in ("unused", "nameOverride")}
    assert keys_without_effect(
        values.parent, {**schema, "properties": some, "additionalProperties": True}, [{}]
    ) == ["unused"]


def test_an_open_place_in_a_schema_is_found() -> None:
    schema = {"type": "object", "properties": {"web": {"type": "object"}}}
    assert schema_closure.findings(schema, {}) == [
        "the top accepts any key",
        "properties/web accepts any key",
    ]


def test_a_key_that_stands_there_twice_is_refused() -> None:
    with pytest.raises(DuplicateKeyError):
        documents("a: 1\nb: 2\na: 3\n")


def test_the_chart_of_these_tests_is_whole(rendered: list[Object]) -> None:
    given = frozenset({"Secret/floe-dagster-postgres"})
    assert isinstance(CHART, Chart)
    assert Wiring(rendered, CHART.pods(rendered), given).findings() == []
