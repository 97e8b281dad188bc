"""Access the Kubernetes cluster that the pods of steps run in, through the official client."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.extras import needed_extra

if TYPE_CHECKING:
    from kubernetes.client import ApiException, CoreV1Api

Pod = dict[str, Any]
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
# How long the API may be unavailable, such as during an upgrade of the control plane.
PATIENCE_SECONDS = 300.0
# From the request to the first byte, and between bytes of a response other than a log.
REQUEST_SECONDS = 30.0
GRACE_SECONDS = 5
NOT_FOUND, CONFLICT = 404, 409
_BUSY = 429
_REFUSALS = (401, 403)


class ClusterError(EnvironmentProblemError):
    """Kubernetes refused a request, or does not respond."""


class Cluster:
    """The pods of one namespace."""

    def __init__(self, api: CoreV1Api, namespace: str) -> None:
        self._api = api
        self.namespace = namespace

    @classmethod
    def connect(cls, namespace: str = "") -> Cluster:
        """Return the cluster that this process runs in, else that of the kubeconfig.

        Raises:
            EnvironmentProblemError: There is none, or no client for it.
        """
        with needed_extra("kubernetes", "a step with an image"):
            from kubernetes import client, config
        try:
            config.load_incluster_config()
            own = NAMESPACE_FILE.read_text().strip()
        except (config.ConfigException, OSError):
            try:
                # The client read the variable when it was imported.
                file = os.environ.get("KUBECONFIG") or None
                config.load_kube_config(file)
                _, context = config.list_kube_config_contexts(file)
            except (config.ConfigException, OSError) as error:
                raise EnvironmentProblemError(
                    "steps with an image need a Kubernetes cluster: floe runs in no pod, and "
                    f"there is no kubeconfig that works ({str(error).strip()})"
                ) from error
            own = context.get("context", {}).get("namespace") or "default"
        return cls(client.CoreV1Api(), namespace or own)

    @classmethod
    def of_template(cls, template: Pod) -> Cluster:
        """Return the cluster, with the namespace that the template for steps' pods names.

        Raises:
            EnvironmentProblemError: There is none, or no client for it.
        """
        return cls.connect(template.get("metadata", {}).get("namespace", ""))

    def create(self, pod: Pod) -> None:
        """Create a pod, unless it exists: from an earlier request whose response was lost."""
        self._send(
            lambda: self._api.create_namespaced_pod(
                self.namespace, pod, _preload_content=False, _request_timeout=REQUEST_SECONDS
            ),
            CONFLICT,
        )

    def get(self, name: str) -> Pod | None:
        """Return a pod as the API returns it, None if there is none."""
        found: Pod | None = self._send(
            lambda: self._api.read_namespaced_pod(
                name, self.namespace, _preload_content=False, _request_timeout=REQUEST_SECONDS
            ),
            NOT_FOUND,
        )
        return found

    def list_names(
        self, labels: Mapping[str, str], patience: float = PATIENCE_SECONDS
    ) -> list[str]:
        """Return the names of the pods that have these labels."""
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        found = self._send(
            lambda: self._api.list_namespaced_pod(
                self.namespace,
                label_selector=selector,
                _preload_content=False,
                _request_timeout=min(REQUEST_SECONDS, patience),
            ),
            patience=patience,
        )
        return [pod["metadata"]["name"] for pod in (found or {}).get("items", ())]

    def delete(self, name: str, patience: float = PATIENCE_SECONDS) -> None:
        """Stop and remove a pod; it gets some seconds to end by itself."""
        self._send(
            lambda: self._api.delete_namespaced_pod(
                name,
                self.namespace,
                grace_period_seconds=GRACE_SECONDS,
                _preload_content=False,
                _request_timeout=REQUEST_SECONDS,
            ),
            NOT_FOUND,
            patience=patience,
        )

    def log_lines(self, name: str, container: str, since_seconds: int | None) -> Iterator[str]:
        """Yield the lines of a log, each prefixed with its time, until it ends or is cut off.

        Raises:
            ClusterError: Reading the log is not permitted.
        """
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        options = {} if since_seconds is None else {"since_seconds": since_seconds}
        try:
            answer = self._api.read_namespaced_pod_log(
                name,
                self.namespace,
                container=container,
                follow=True,
                timestamps=True,
                _preload_content=False,
                **options,
            )
            rest = b""
            for part in answer.stream():
                *lines, rest = (rest + part).split(b"\n")
                yield from (line.decode(errors="replace") for line in lines)
            if rest:
                yield rest.decode(errors="replace")
        except ApiException as error:
            if error.status in _REFUSALS:
                raise _refusal(error) from None
        except HTTPError:
            return

    def owner_reference(self) -> dict[str, Any] | None:
        """Return the owner reference to the pod that this process runs in, None outside a pod.

        Also None if the service account may not read the pod.
        """
        if not NAMESPACE_FILE.exists() or NAMESPACE_FILE.read_text().strip() != self.namespace:
            return None
        try:
            own = self.get(os.environ.get("HOSTNAME", ""))
        except ClusterError:
            return None
        if own is None:
            return None
        found = {"apiVersion": "v1", "kind": "Pod", "name": own["metadata"]["name"]}
        return {**found, "uid": own["metadata"]["uid"]}

    def _send(
        self, request: Callable[[], Any], *accepted: int, patience: float = PATIENCE_SECONDS
    ) -> Any:
        """Return the response as JSON, None for an accepted error; wait while the API is down.

        Raises:
            ClusterError: The API refuses the request, or is down for longer than `patience`.
        """
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        deadline = time.monotonic() + patience
        while True:
            try:
                return json.loads(request().data)
            except ApiException as error:
                if error.status in accepted:
                    return None
                if not _is_away(error.status) or time.monotonic() > deadline:
                    raise _refusal(error) from None
            except HTTPError as error:
                if time.monotonic() > deadline:
                    raise ClusterError(f"Kubernetes does not answer: {error}") from None
            time.sleep(1)


def _is_away(status: int | None) -> bool:
    return status is None or status >= 500 or status == _BUSY


def _refusal(error: ApiException) -> ClusterError:
    try:
        why = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        why = error.reason
    return ClusterError(f"Kubernetes refused: HTTP {error.status}: {why}")
