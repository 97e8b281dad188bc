"""What rendered Roles allow to whom, and what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pods import Object


@dataclass(frozen=True, order=True)
class Act:
    """What a ServiceAccount did, in the words of RBAC."""

    account: str
    verb: str
    resource: str


@dataclass
class RenderedRoles:
    """The Roles and RoleBindings of a release, asked as a cluster asks them.

    `accounts` maps a token to the ServiceAccount that has it. `acts` were allowed, `refused` not.
    """

    objects: list[Object]
    accounts: Mapping[str, str]
    acts: set[Act] = field(default_factory=set)
    refused: list[Act] = field(default_factory=list)

    def allows(self, token: str, verb: str, group: str, resource: str) -> bool:
        """Tell whether the token's ServiceAccount may do this, and note it."""
        account = self.accounts.get(token, "nobody")
        act = Act(account, verb, resource)
        allowed = any(
            verb in rule["verbs"] and group in rule["apiGroups"] and resource in rule["resources"]
            for bound, rule in self._rules()
            if bound == account
        )
        self.acts.add(act) if allowed else self.refused.append(act)
        return allowed

    def granted(self) -> set[Act]:
        """Return everything that the Roles allow."""
        return {
            Act(account, verb, resource)
            for account, rule in self._rules()
            for verb in rule["verbs"]
            for resource in rule["resources"]
        }

    def _rules(self) -> Iterator[tuple[str, Object]]:
        """Yield each ServiceAccount with each rule that is bound to it."""
        roles = {each["metadata"]["name"]: each for each in self.objects if each["kind"] == "Role"}
        for binding in (each for each in self.objects if each["kind"] == "RoleBinding"):
            for subject in binding["subjects"]:
                for rule in roles[binding["roleRef"]["name"]]["rules"]:
                    yield subject["name"], rule
