"""The pod of a step: Kubernetes takes its labels, and it ends by itself."""

from __future__ import annotations

import re

import pytest

from floe_core.execution.steps.call import ImageOrder
from floe_kubernetes.pod import labels_of, make_pod

# kubernetes.io/docs/concepts/overview/working-with-objects/labels
LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")


def order(product: str = "shop", step: str = "load", timeout_seconds: int = 0) -> ImageOrder:
    return ImageOrder(
        product=product,
        step=step,
        run_id="two",
        root_run_id="one",
        attempt=1,
        image="load:1",
        command=(),
        variables=(),
        facts_file="facts",
        timeout_seconds=timeout_seconds,
    )


@pytest.mark.parametrize("name", ["shop", "shop-", "load_", "a" * 63, f"{'a' * 62}-", "_x"])
def test_any_name_that_floe_takes_is_a_label_that_kubernetes_takes(name: str) -> None:
    labels = labels_of(order(product=name, step=name))
    assert all(LABEL.fullmatch(each) and len(each) <= 63 for each in labels.values())


def test_names_that_differ_have_labels_that_differ() -> None:
    found = {labels_of(order(product=name))["floe.dev/product"] for name in ("a-", "a", "a--")}
    assert len(found) == 3


@pytest.mark.parametrize(("timeout", "own", "seconds"), [(0, 0, 86_400), (60, 0, 120), (0, 9, 9)])
def test_a_pod_ends_by_itself(timeout: int, own: int, seconds: int) -> None:
    template = {"spec": {"activeDeadlineSeconds": own}} if own else {}
    pod = make_pod(order(timeout_seconds=timeout), "pod", template, None)
    assert pod["spec"]["activeDeadlineSeconds"] == seconds
