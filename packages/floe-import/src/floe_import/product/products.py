"""Make products of groups: one for each dbt project, with a job for each selection."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from floe_import.drafts import GroupDraft
from floe_import.product.projects import DbtProject
from floe_import.report import Place, Verdict, changed

_LONGEST = 63
_TESTS = ("resource_type:test", "resource_type:unit_test")


@dataclass
class Product:
    """A product: its name, the groups that run it, and its project if it is on this machine."""

    name: str
    drafts: list[GroupDraft]
    project: DbtProject | None = None
    found: list[tuple[str, str, Place, Verdict]] = field(default_factory=list)

    def say(self, code: str, construct: str, place: Place, verdict: Verdict) -> None:
        """Report something about the product as a whole."""
        self.found.append((code, construct, place, verdict))

    def floe_yaml(self) -> dict[str, Any]:
        """Return floe.yaml. The drafts get the names of their jobs."""
        jobs = self._jobs()
        execution = self._shared("execution")
        document: dict[str, Any] = {
            "apiVersion": "floe.dev/v1",
            "kind": "FloeSpec",
            "metadata": {"name": self.name, "version": "0.1.0"},
            "platform": {"manifest": "manifest.yaml"},
        }
        whole = [each for each in self.drafts if each.job is None]
        if whole and (schedule := next((each.schedule for each in whole if each.schedule), None)):
            document["schedule"] = schedule
        if whole and whole[0].vars and (len(self.drafts) == 1 or self._is_of_dagster):
            document["vars"] = self._shared("vars")
        if whole and whole[0].pool:
            execution["pool"] = whole[0].pool
        if whole and whole[0].tests:
            execution["tests"] = whole[0].tests
        if jobs:
            document["jobs"] = jobs
        if execution:
            document["execution"] = execution
        return document

    def _jobs(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = []
        taken = {self.name}
        for draft in self.drafts:
            if self._is_whole(draft):
                continue
            job = _job(draft)
            same = next(
                (each for each in jobs if {**each, "name": ""} == {**job, "name": ""}), None
            )
            if same is None or draft.schedule:
                job["name"] = _unique(slug(draft.name, "job", underscores=True), taken)
                jobs.append(job)
            draft.job = (job if same is None or draft.schedule else same)["name"]
        return jobs

    @property
    def _is_of_dagster(self) -> bool:
        """Whether sets of assets run it, which have no jobs of floe.yaml."""
        return self.drafts[0].orchestrator == "dagster"

    def _is_whole(self, draft: GroupDraft) -> bool:
        """Return whether a group runs all of the product, as the job without a name does."""
        if self._is_of_dagster:
            return True
        narrows = draft.select or draft.exclude or draft.selector or draft.only
        others = [each for each in self.drafts if each is not draft]
        is_special = draft.full_refresh or (others and (draft.vars or draft.pool or draft.tests))
        repeats = any(each.schedule for each in others) and bool(draft.schedule)
        return not (narrows or is_special or repeats)

    def _shared(self, name: str) -> dict[str, Any]:
        """Return settings that floe.yaml has once; a group that has others is reported."""
        merged: dict[str, Any] = {}
        first: dict[str, str] = {}
        for draft in self.drafts:
            for key, value in getattr(draft, name).items():
                merged.setdefault(key, value)
                first.setdefault(key, draft.name)
        for draft in self.drafts:
            own = getattr(draft, name)
            for key in (key for key in merged if key not in own or own[key] != merged[key]):
                what = f"{key} {own[key]!r}" if key in own else f"no {key}"
                said = f"`{name}.{key}` is {merged[key]!r} for the product, as {first[key]} has it"
                self.say("FLI101", f"{draft.name}: {what}", draft.place, changed(said))
        return merged


def make_products(
    drafts: Iterable[GroupDraft], named: dict[str, DbtProject | None]
) -> list[Product]:
    """Return the products of some groups; `named` is a project's path -> the project, if known."""
    products: dict[str, Product] = {}
    taken: set[str] = set()
    for draft in drafts:
        project = named.get(draft.project)
        key = str(project.folder.resolve()) if project else draft.project
        if key not in products:
            found = project.name if project else draft.project_name or _last_part(draft.project)
            products[key] = Product(_unique(slug(found, "product"), taken), [], project)
        products[key].drafts.append(draft)
    return list(products.values())


def slug(text: str, otherwise: str, *, underscores: bool = False) -> str:
    """Return a name that floe.yaml accepts.

    >>> slug("Jaffle_Shop", "product"), slug("2024", "product"), slug("a_B", "", underscores=True)
    ('jaffle-shop', 'product-2024', 'a_b')
    """
    forbidden = r"[^a-z0-9_-]+" if underscores else r"[^a-z0-9-]+"
    name = re.sub(forbidden, "-", text.lower()).strip("-_")
    return (name if name[:1].isalpha() else f"{otherwise}-{name}".strip("-"))[:_LONGEST].strip("-_")


def selection(draft: GroupDraft) -> dict[str, str]:
    """Return `select`, `exclude` or `selector` of a job.

    The terms of a selection are a union; resource types narrow each of them. To exclude models
    would exclude their tests too, and to select models selects their tests again.
    """
    if draft.selector:
        return {"selector": draft.selector}
    kinds = [f"resource_type:{kind}" for kind in draft.only]
    terms = draft.select
    if kinds:
        terms = [f"{term},{kind}" for term in terms for kind in kinds] if terms else kinds
    without_tests = bool(kinds) and not set(kinds) & set(_TESTS)
    left_out = [*draft.exclude, *(_TESTS if without_tests else ())]
    found = {"select": " ".join(terms), "exclude": " ".join(dict.fromkeys(left_out))}
    return {name: text for name, text in found.items() if text}


def _job(draft: GroupDraft) -> dict[str, Any]:
    job: dict[str, Any] = {"name": "", **selection(draft)}
    if draft.vars:
        job["vars"] = draft.vars
    if draft.full_refresh:
        job["fullRefresh"] = True
    if draft.tests:
        job["tests"] = draft.tests
    if draft.schedule:
        job["schedule"] = draft.schedule
    if draft.pool:
        job["pool"] = draft.pool
    return job


def _unique(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name[: _LONGEST - 4]}-{number}"
    taken.add(found)
    return found


def _last_part(path: str) -> str:
    parts = [part for part in path.split("/") if part and "$" not in part and "}" not in part]
    return parts[-1] if parts else ""
