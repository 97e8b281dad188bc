"""What Helm 3 and 4 do with the objects of a release: a model, of what they refuse above all.

From the sources of Helm 3.17 and 4.1: `action/{install,upgrade,rollback,uninstall,hooks}.go` and
`kube/client.go`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from api_server import ApiServer, RefusedError
from helm_engine import RELEASE, Object, Values, render
from helm_engine import Target as Engine
from pods import named

HOOK, WEIGHT, POLICY = "helm.sh/hook", "helm.sh/hook-weight", "helm.sh/hook-delete-policy"
OWNER, KEPT = "meta.helm.sh/release-name", "helm.sh/resource-policy"


@dataclass
class Revision:
    """What was rendered for a revision: plain objects and hooks by kind and name."""

    plain: dict[str, Object]
    hooks: dict[str, Object]
    is_deployed: bool = False


@dataclass
class HelmRelease:
    """A release of a chart, on a cluster that outlives it."""

    cluster: ApiServer
    chart: object
    line: str
    revisions: list[Revision] = field(default_factory=list)

    def install(self, *values: Values) -> None:
        """Install it.

        Raises:
            RefusedError: Some object is there and is not of this release, or is refused.
        """
        self.revisions = [self._revision(values, is_upgrade=False)]
        [revision] = self.revisions
        self._refuse_others(revision.plain)
        self._run_hooks(revision, "pre-install")
        self._update({}, revision)
        self._run_hooks(revision, "post-install")
        revision.is_deployed = True

    def upgrade(self, *values: Values, fails: str = "") -> None:
        """Upgrade it; it may fail in the hook's Job, or midway, at the last of its objects."""
        current = [each for each in self.revisions if each.is_deployed][-1]
        revision = self._revision(values, is_upgrade=True)
        self._refuse_others(revision.plain.keys() - current.plain.keys())
        self.revisions.append(revision)
        if not self._run_hooks(revision, "pre-upgrade", fails == "hook"):
            return
        if fails:
            for name in list(revision.plain)[:-1]:
                self._apply(revision.plain[name])
            return
        self._update(current.plain, revision)
        for each in self.revisions:
            each.is_deployed = each is revision

    def rollback(self, number: int) -> None:
        """Go back to a revision.

        Raises:
            RefusedError: An object of it is there that the last revision, however it ended, lacks.
        """
        last, target = self.revisions[-1], self.revisions[number - 1]
        for name in target.plain:
            if name in self.cluster.objects and name not in last.plain:
                kind, _, rest = name.partition("/")
                raise RefusedError(f'no {kind} with the name "{rest}" found')
        revision = copy.deepcopy(target)
        self.revisions.append(revision)
        self._run_hooks(revision, "pre-rollback")
        self._update(last.plain, revision)
        for each in self.revisions:
            each.is_deployed = each is revision

    def uninstall(self) -> None:
        """Delete what the last revision has, and no hook."""
        for name, thing in self.revisions[-1].plain.items():
            if notes(thing).get(KEPT) != "keep":
                self.cluster.delete(name)
        self.revisions = []

    def _revision(self, values: tuple[Values, ...], is_upgrade: bool) -> Revision:
        rendered = render(self.chart, *values, target=Engine(self.line, is_upgrade=is_upgrade))
        hooks = {named(thing): thing for thing in rendered if HOOK in notes(thing)}
        plain = {named(thing): thing for thing in rendered if named(thing) not in hooks}
        return Revision(plain, hooks)

    def _refuse_others(self, names: object) -> None:
        for name in sorted(names):  # type: ignore[call-overload]
            there = self.cluster.objects.get(name)
            if there is not None and notes(there).get(OWNER) != RELEASE:
                raise RefusedError(f"{name} exists: invalid ownership metadata")

    def _update(self, current: dict[str, Object], revision: Revision) -> None:
        for thing in revision.plain.values():
            self._apply(thing)
        for name in current.keys() - revision.plain.keys():
            if notes(current[name]).get(KEPT) != "keep":
                self.cluster.delete(name)

    def _apply(self, thing: Object) -> None:
        owned = copy.deepcopy(thing)
        owned["metadata"].setdefault("annotations", {})[OWNER] = RELEASE
        self.cluster.apply(owned)

    def _run_hooks(self, revision: Revision, event: str, fails: bool = False) -> bool:
        """Tell whether all hooks of an event succeeded; a Job of one may fail."""
        due = [thing for thing in revision.hooks.values() if event in notes(thing)[HOOK].split(",")]
        due.sort(key=lambda thing: (int(notes(thing).get(WEIGHT, 0)), named(thing)))
        done: list[Object] = []
        has_failed = False
        for thing in due:
            if "before-hook-creation" in notes(thing).get(POLICY, "before-hook-creation"):
                self.cluster.delete(named(thing))
            self.cluster.apply(thing)
            has_failed = fails and thing["kind"] == "Job"
            if has_failed:
                break
            done.append(thing)
        for thing in done:
            if "hook-succeeded" in notes(thing).get(POLICY, ""):
                self.cluster.delete(named(thing))
        return not has_failed


def notes(thing: Object) -> dict[str, str]:
    """Return an object's annotations."""
    found: dict[str, str] = thing["metadata"].get("annotations") or {}
    return found
