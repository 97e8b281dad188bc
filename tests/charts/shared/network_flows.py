"""Who may talk to whom: what a chart declares, and what its NetworkPolicies come to.

A chart declares flows in `files/flows.yaml`; its templates make policies of them. Here the policies
are read as a cluster reads them, so that the two can be compared.

    - from: webserver             # a component, or `outside.NAME`
      to: code-server             # the same
      port: codeServers.port      # a number, a list of them, a place in the values, or `url:PLACE`
      protocols: [TCP]            # the default
      when: postgresql.enabled    # what must hold: PLACE, !PLACE or PLACE=VALUE, several with &
      why: asks for definitions

`outside.NAME` may be anywhere unless `networkPolicy.outside.NAME` lists peers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import strict_yaml
from chart_values import at
from pods import Object, Pod

OUTSIDE = "outside."
ANYWHERE = "anywhere"


@dataclass(frozen=True, order=True)
class Flow:
    """One way that is open. Outside the release, `source` and `target` are peers, as JSON."""

    source: str
    target: str
    port: int
    protocol: str = "TCP"


def declared(chart: Path, values: Mapping[str, Any]) -> set[Flow]:
    """Return the flows that a chart declares for merged values."""
    rules = strict_yaml.document((chart / "files" / "flows.yaml").read_text())
    return {flow for rule in rules if _holds(rule, values) for flow in _flows(rule, values)}


def _holds(rule: Object, values: Mapping[str, Any]) -> bool:
    return all(
        _is_true(claim.strip(), values) for claim in rule.get("when", "").split("&") if claim
    )


def _is_true(claim: str, values: Mapping[str, Any]) -> bool:
    place, equals, value = claim.lstrip("!").partition("=")
    found = at(values, place)
    holds = str(found) == value if equals else bool(found)
    return holds != claim.startswith("!")


def _flows(rule: Object, values: Mapping[str, Any]) -> Iterator[Flow]:
    for source in _ends(rule["from"], values):
        for target in _ends(rule["to"], values):
            for port in _declared_ports(rule["port"], values):
                for protocol in rule.get("protocols", ["TCP"]):
                    yield Flow(source, target, port, protocol)


def _ends(end: str, values: Mapping[str, Any]) -> list[str]:
    if not end.startswith(OUTSIDE):
        return [end]
    peers = at(values, f"networkPolicy.{end}") or []
    return [json.dumps(peer, sort_keys=True) for peer in peers] or [ANYWHERE]


def _declared_ports(port: Any, values: Mapping[str, Any]) -> list[int]:
    if isinstance(port, str) and port.startswith("url:"):
        parts = urlsplit(at(values, port.removeprefix("url:")))
        return [parts.port or {"http": 80, "https": 443}[parts.scheme]]
    found = at(values, port) if isinstance(port, str) else port
    return found if isinstance(found, list) else [found]


def allowed(objects: Iterable[Object], pods: Iterable[Pod]) -> set[Flow]:
    """Return what the policies let through, between components and to and from outside."""
    policies = [thing["spec"] for thing in objects if thing["kind"] == "NetworkPolicy"]
    by_component = {pod.component: pod for pod in pods}
    found: set[Flow] = set()
    for name, pod in by_component.items():
        out, into = _rules(policies, pod, "Egress"), _rules(policies, pod, "Ingress")
        found |= {Flow(name, peer, *port) for peer, port in _outside(out, "to")}
        found |= {Flow(peer, name, *port) for peer, port in _outside(into, "from")}
        for other in by_component.values():
            leaving = _between(out, "to", other)
            arriving = _between(_rules(policies, other, "Ingress"), "from", pod)
            found |= {Flow(name, other.component, *port) for port in leaving & arriving}
    return found


def unguarded(objects: Iterable[Object], pods: Iterable[Pod]) -> list[str]:
    """Return the components that no policy selects in one direction: all is open there."""
    policies = [thing["spec"] for thing in objects if thing["kind"] == "NetworkPolicy"]
    directions = ("Ingress", "Egress")
    return [
        f"{pod.component}: {way}"
        for pod in pods
        for way in directions
        if not any(_selects(spec, pod) and way in spec["policyTypes"] for spec in policies)
    ]


def _rules(policies: list[Object], pod: Pod, way: str) -> list[Object]:
    chosen = [spec for spec in policies if _selects(spec, pod) and way in spec["policyTypes"]]
    return [rule for spec in chosen for rule in spec.get(way.lower(), [])]


def _selects(spec: Object, pod: Pod) -> bool:
    return _matches(spec["podSelector"], pod)


def _matches(selector: Object, pod: Pod) -> bool:
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    for each in selector.get("matchExpressions", []):
        if each["operator"] != "In" or pod.labels.get(each["key"]) not in each["values"]:
            return False
    return bool(selector.get("matchLabels", {}).items() <= pod.labels.items())


def _ports(rule: Object) -> set[tuple[int, str]]:
    assert rule.get("ports"), f"a rule without ports opens all of them: {rule}"
    return {(port["port"], port.get("protocol", "TCP")) for port in rule["ports"]}


def _outside(rules: list[Object], side: str) -> Iterator[tuple[str, tuple[int, str]]]:
    """Yield peer and port of what rules allow beyond the pods of the release's namespace."""
    for rule in rules:
        peers = [peer for peer in rule.get(side, []) if set(peer) != {"podSelector"}]
        names = [json.dumps(peer, sort_keys=True) for peer in peers]
        for name in names if rule.get(side) else [ANYWHERE]:
            yield from ((name, port) for port in _ports(rule))


def _between(rules: list[Object], side: str, other: Pod) -> set[tuple[int, str]]:
    """Return the ports of rules that name the other pod, in the release's own namespace."""
    return {
        port
        for rule in rules
        for peer in rule.get(side, [])
        if set(peer) == {"podSelector"} and _matches(peer["podSelector"], other)
        for port in _ports(rule)
    }
