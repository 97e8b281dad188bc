"""What is told after an install is so."""

from __future__ import annotations

import re

from chart_values import at, merged
from charts import Chart, each_scenario
from helm_engine import Object, Target, notes


@each_scenario
def test_the_way_to_the_pages_leads_there(chart: Chart, scenario: str) -> None:
    values = chart.scenarios[scenario]
    objects = chart.objects(values, target=Target())
    told = notes(chart.folder, values)
    urls = [url.rstrip("/") for url in re.findall(r"https?://\S+", told)]
    given = at(merged(values), "apiServer.baseUrl")
    if routes := [each["spec"] for each in objects if each["kind"] == "HTTPRoute"]:
        [path] = [match["path"] for rule in routes[0]["rules"] for match in rule["matches"]]
        assert urls == [f"https://{routes[0]['hostnames'][0]}{path['value']}".rstrip("/")]
        return
    ingresses = [each["spec"] for each in objects if each["kind"] == "Ingress"]
    if given or ingresses:
        assert urls == [given or address(*ingresses)]
        return
    [(name, port)] = re.findall(r"port-forward service/(\S+) (\d+)\n", told)
    services = {each["metadata"]["name"]: each for each in objects if each["kind"] == "Service"}
    assert [each["port"] for each in services[name]["spec"]["ports"]] == [int(port)]
    assert [url.rpartition(":")[2] for url in urls] == [port]


def address(ingress: Object) -> str:
    [rule] = ingress["rules"]
    [path] = rule["http"]["paths"]
    scheme = "https" if "tls" in ingress else "http"
    return f"{scheme}://{rule['host']}{path['path']}".rstrip("/")
