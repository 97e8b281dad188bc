"""The pods that Airflow's KubernetesExecutor starts: what the template in the ConfigMap describes."""

from __future__ import annotations

from collections.abc import Iterator

import strict_yaml
from pods import Object, Pod, named


def launched_pods(objects: list[Object]) -> Iterator[Pod]:
    """Yield the pod of a task; none with CeleryExecutor, whose workers run them."""
    for thing in objects:
        text = (
            thing.get("data", {}).get("pod_template.yaml") if thing["kind"] == "ConfigMap" else None
        )
        if text:
            template = strict_yaml.document(text)
            yield Pod(named(thing), template["metadata"]["labels"], template["spec"])
