"""The plan of a build: which nodes it builds and why, and which it reuses.

A pure function of the product, the compiled code, the state of the last builds and the relations in
the warehouse. If in doubt, a node is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from floe_core.reuse.catalogs.catalog import CATALOGS
from floe_core.reuse.queries.analysis import Analysis, analysis_of_text
from floe_core.reuse.queries.node_analyses import NodeAnalyses
from floe_core.reuse.queries.parts import Leaf, Part, digest
from floe_core.reuse.situation import Action, Decision, Situation, is_adding, why_built
from floe_core.reuse.state import Entry, Versions
from floe_core.schemas.nodes import Node

STEP_RUNS = "a step runs every time"
BY_PARTITION = "a run builds the partitions that it is for"
CHANGES_ITSELF = "it builds on its own rows, so it is built until they stay the same"


def make_plan(situation: Situation) -> dict[str, Decision]:
    """Return node id -> decision for every wanted node, parents first."""
    return Planner(situation).plan()


class Planner:
    """Walks the graph from its sources, and keeps the version that each node will have.

    `decisions` is node id -> decision.
    """

    def __init__(self, situation: Situation) -> None:
        self._given = situation
        self._unchanged = set(situation.unchanged)
        self._versions: dict[str, Versions] = {}
        self._analyses = NodeAnalyses(situation, self._versions)
        self.decisions: dict[str, Decision] = {}
        self._unit_tests: dict[str, list[Node]] = {}
        for node in (situation.artifacts.by_id[i] for i in sorted(situation.wanted)):
            if node.resource_type == "unit_test":
                self._unit_tests.setdefault(node.tested, []).append(node)

    def plan(self) -> dict[str, Decision]:
        """Return node id -> decision for every wanted node, parents first."""
        artifacts, wanted = self._given.artifacts, set(self._given.wanted)
        for node in (artifacts.by_id[i] for i in artifacts.graph.in_order()):
            if node.resource_type == "unit_test":
                continue
            if node.unique_id in wanted:
                self._plan_node(node)
            else:
                self._versions[node.unique_id] = self._as_it_stands(node)
        for node_id in sorted(wanted - self.decisions.keys()):
            self._plan_unit_test(artifacts.by_id[node_id], self._given.token)
        return self.decisions

    def plan_again(self, node: Node) -> Decision:
        """Return the decision on one node, given what is now known about its parents."""
        is_unit_test = node.resource_type == "unit_test"
        self._plan_node(self._given.artifacts.by_id[node.tested] if is_unit_test else node)
        return self.decisions[node.unique_id]

    def leave_unchanged(self, node_id: str) -> None:
        """Give a built node the versions of its last build, since its content is the same."""
        last = self._given.state.last_of(node_id)
        if last is not None:
            self._unchanged.add(node_id)
            self._versions[node_id] = last.versions
            built = self.decisions[node_id]
            entry = replace(built.entry, versions=last.versions)
            self.decisions[node_id] = replace(built, entry=entry)

    def _plan_unit_tests_of(self, node: Node, fresh: Entry, never: str) -> str:
        """Plan the unit tests of a model; return why they require building it, "" if they don't.

        dbt runs a unit test only together with its model.
        """
        run = [
            test.name
            for test in self._unit_tests.get(node.unique_id, ())
            if self._plan_unit_test(test, fresh.fingerprint, never) == "build"
        ]
        return f"its unit test {run[0]} is run" if run else ""

    def _plan_unit_test(self, test: Node, fingerprint: str, never: str = "") -> Action:
        """Plan a unit test; if its model varies, so does its result."""
        entry = self._given.state.entries.get(test.unique_id)
        text = f"{test.checksum} {test.macros_hash} {fingerprint}"
        analysis = analysis_of_text(text, ())
        fresh = Entry(self._given.run_id, self._traits(test, analysis), by_row_order=False)
        why = next(filter(None, self._reasons(test, entry, fresh, test.reuse.never or never)), "")
        self._decide(test, entry, fresh, why)
        return self.decisions[test.unique_id].action

    def _as_it_stands(self, node: Node) -> Versions:
        """Return the version of a node that this build only reads; a new one if none is known."""
        if node.resource_type == "source":
            return self._given.warehouse.sources.get(node.unique_id) or self._new()
        entry = self._given.state.entries.get(node.unique_id)
        if entry is None or not self._stands(node, entry):
            return self._new()
        return self._as_it_shows(node, entry) if node.materialization == "view" else entry.versions

    def _as_it_shows(self, view: Node, entry: Entry) -> Versions:
        """Return the version of a view that stands: of what its inputs hold now."""
        analysis = self._analyses.of(view)
        never = self._never(view, analysis)
        if never:
            return self._new()
        fresh = replace(entry, reads=self._reads(analysis))
        found = self._resulting_versions(view, entry, fresh, analysis, never, is_built=True)
        is_alike = [*(found.columns or ())] == [*(entry.versions.columns or ())]
        return found if is_alike else Versions(fresh.fingerprint)

    def _new(self) -> Versions:
        return Versions(self._given.token)

    def _stands(self, node: Node, entry: Entry) -> bool:
        if not node.is_in_warehouse:
            return True
        found = self._given.warehouse.relations.get(node.unique_id)
        return (
            found is not None
            and entry.relation is not None
            and (found.evidence == entry.relation.evidence)
        )

    def _plan_node(self, node: Node) -> None:
        if node.is_step:
            ran = Entry(self._given.run_id, {})
            self.decisions[node.unique_id] = Decision("build", STEP_RUNS, ran)
            return
        entry = self._given.state.entries.get(node.unique_id)
        analysis = self._analyses.of(node)
        never = self._never(node, analysis)
        fresh = self._fresh(node, analysis, never)
        # Its unit tests must not use the earlier decision on it.
        self.decisions.pop(node.unique_id, None)
        with_tests = self._plan_unit_tests_of(node, fresh, never)
        why = next(filter(None, (*self._reasons(node, entry, fresh, never), with_tests)), "")
        versions = self._resulting_versions(node, entry, fresh, analysis, never, is_built=bool(why))
        self._versions[node.unique_id] = versions
        self._decide(node, entry, replace(fresh, versions=versions), why)

    def _fresh(self, node: Node, analysis: Analysis | None, never: str) -> Entry:
        """Return the entry of a green build of a node, without its versions."""
        known = self._given.warehouse.newest
        newest = {i: known[i] for i in node.depends_on if i in known}
        made_of = (self._traits(node, analysis), self._reads(analysis))
        # What is built in every run finds the rows in the order that they have by then.
        by_order = not never and (analysis is None or analysis.by_row_order)
        return Entry(self._given.run_id, *made_of, newest=newest, by_row_order=by_order)

    def _never(self, node: Node, analysis: Analysis | None) -> str:
        """Return why a node may give another result than its last build, "" for no reason."""
        if self._given.compares:
            return ""
        partitions = self._given.artifacts.partitions
        if partitions is not None and node.unique_id in partitions.members:
            return BY_PARTITION
        return node.reuse.never or (analysis.never if analysis else "dbt did not compile it")

    def _decide(self, node: Node, entry: Entry | None, fresh: Entry, why: str) -> None:
        if why or entry is None:
            self.decisions[node.unique_id] = Decision("build", why, fresh, entry)
        else:
            is_same = entry.is_made_as(fresh)
            since = f"unchanged since run {entry.run_id}"
            reason = since if is_same else "its inputs are new, which its lagTolerance lets wait"
            self.decisions[node.unique_id] = Decision("reuse", reason, entry, entry)

    def _reasons(self, node: Node, entry: Entry | None, fresh: Entry, never: str) -> Iterator[str]:
        """Yield the reasons to build a node, the most important first; none if it is reused."""
        yield self._given.builds_all
        yield "built" if node.unique_id in self._given.forced else ""
        yield f"never reused: {never}" if never else ""
        if entry is None:
            yield "no green build of it is known"
            return
        may_wait = self._may_wait(node, entry, fresh)
        if not may_wait:
            yield why_built(self._given.artifacts, entry, fresh)
        if not self._stands(node, entry):
            is_there = node.unique_id in self._given.warehouse.relations
            yield "changed since its last build" if is_there else "its relation is not there"
        is_settled = entry.is_settled or may_wait or self._given.compares
        if not (is_settled or self._analyses.repeats(node)):
            yield CHANGES_ITSELF
        yield self._reason_in_parents(node)

    def _may_wait(self, node: Node, entry: Entry, fresh: Entry) -> bool:
        """Return whether only the node's inputs are new, and its last build is recent enough."""
        if self._given.compares or node.is_test:
            return False
        # A time in the future is from a clock that was ahead, and means nothing.
        is_young = 0 <= self._given.now - entry.planned_at < node.reuse.lag_seconds
        return is_young and entry.traits == fresh.traits

    def _reason_in_parents(self, node: Node) -> str:
        """Return the parent whose build requires building the node, whatever the node reads."""
        parents = [p.unique_id for p in self._given.parents(node)]
        built = [p for p in parents if p in self.decisions and self._is_built(p)]
        if not built:
            return ""
        parent = self._given.artifacts.by_id[built[0]].label
        if node.is_test:
            return f"{parent} is built, which it tests"
        catalog = CATALOGS.get(self._given.artifacts.dbt.adapter)
        keeps_views = self._given.compares or (catalog is not None and catalog.keeps_views)
        if node.materialization == "view" and not keeps_views:
            return f"{parent} is built, which it is a view of"
        return ""

    def _is_built(self, node_id: str) -> bool:
        return self.decisions[node_id].action == "build"

    def _traits(self, node: Node, analysis: Analysis | None) -> dict[str, str]:
        """Return hashes of what a node is built from, besides its inputs."""
        parts = {} if analysis is None or analysis.columns is None else analysis.columns
        given = [(name, part.hash) for name, part in parts.items()]
        place = digest(node.database, node.schema_name, node.identifier, node.materialization)
        return {
            "code": analysis.tree if analysis else digest(node.checksum, node.macros_hash),
            "configuration": node.reuse.build,
            "relation": place,
            "columns": digest(given, analysis.rows.hash if analysis else ""),
            "project": "" if self._given.compares else self._given.artifacts.dbt.project_hash,
            "engine": self._given.engine,
        }

    def _reads(self, analysis: Analysis | None) -> dict[str, dict[str, str]]:
        """Return parent id -> column -> version for everything that the node reads."""
        found: dict[str, dict[str, str]] = {}
        for leaf in sorted(analysis.reads if analysis else ()):
            found.setdefault(leaf.parent, {})[leaf.column] = self._version_of(leaf)
        return found

    def _version_of(self, leaf: Leaf) -> str:
        versions = self._versions.get(leaf.parent)
        return versions.of(leaf.column) if versions else self._given.token

    def _resulting_versions(
        self,
        node: Node,
        entry: Entry | None,
        fresh: Entry,
        analysis: Analysis | None,
        never: str,
        *,
        is_built: bool,
    ) -> Versions:
        """Return the version that a node will have once this build is over."""
        is_same = entry is not None and entry.is_made_as(fresh)
        adds = is_adding(node)
        is_steady = not never and (not adds or self._given.compares)
        if entry is not None and (not is_built or (is_same and is_steady)):
            return entry.versions
        last = self._given.state.last_of(node.unique_id)
        if last is not None and node.unique_id in self._unchanged:
            return last.versions
        built = self._given.built.get(node.unique_id)
        if analysis is None or never or adds:
            return _of_all(self._given.token, built)
        if analysis.columns is None or node.reuse.content:
            names = built if analysis.columns is None else tuple(analysis.columns)
            return _of_all(fresh.fingerprint, names)
        if built is not None and built != tuple(analysis.columns):
            # The warehouse interpreted the SQL differently.
            return _of_all(fresh.fingerprint, built)
        version = self._version_of_part
        columns = {name: version(part) for name, part in analysis.columns.items()}
        return Versions(version(analysis.rows), columns)

    def _version_of_part(self, part: Part) -> str:
        return digest(part.hash, [[*leaf, self._version_of(leaf)] for leaf in sorted(part.leaves)])


def _of_all(version: str, columns: tuple[str, ...] | None) -> Versions:
    """Return the version of a relation that is new as a whole."""
    return Versions(version, None if columns is None else dict.fromkeys(columns, version))
