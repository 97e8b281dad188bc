"""The plan of a build: which nodes it builds and why, and which stand as it would make them.

A pure function of the product, what dbt compiled, the state of the last builds and what stands in
the warehouse. What is not known for certain is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from floe_core.reuse.analysis import Analysis, Input, analyse, analysis_of_text
from floe_core.reuse.parts import WHOLE, Leaf, Part, digest
from floe_core.reuse.reasons import why_built
from floe_core.reuse.situation import Action, Decision, Situation, is_adding
from floe_core.reuse.state import Entry, Versions
from floe_core.schemas.nodes import Node


def make_plan(situation: Situation) -> dict[str, Decision]:
    """Return node id -> decision for every wanted node, parents first."""
    return _Planner(situation).plan()


class _Planner:
    """Walks the graph from its sources, and keeps the version of what each node will have been."""

    def __init__(self, situation: Situation) -> None:
        self._given = situation
        self._versions: dict[str, Versions] = {}
        self._decisions: dict[str, Decision] = {}
        self._unit_tests: dict[str, list[Node]] = {}
        for node in (situation.artifacts.by_id[i] for i in sorted(situation.wanted)):
            if node.resource_type == "unit_test":
                self._unit_tests.setdefault(node.tested, []).append(node)

    def plan(self) -> dict[str, Decision]:
        artifacts, wanted = self._given.artifacts, set(self._given.wanted)
        for node in (artifacts.by_id[i] for i in artifacts.graph.in_order()):
            if node.resource_type == "unit_test":
                continue
            if node.unique_id in wanted:
                self._plan_node(node)
            else:
                self._versions[node.unique_id] = self._as_it_stands(node)
        for node_id in sorted(wanted - self._decisions.keys()):
            self._plan_unit_test(artifacts.by_id[node_id], self._given.token)
        return self._decisions

    def _plan_unit_tests_of(self, node: Node, fingerprint: str) -> str:
        """Plan the unit tests of a model; return why it is built with them, "" if it need not be.

        dbt runs a unit test only together with its model.
        """
        run = [
            test.name
            for test in self._unit_tests.get(node.unique_id, ())
            if self._plan_unit_test(test, fingerprint) == "build"
        ]
        return f"its unit test {run[0]} is run" if run else ""

    def _plan_unit_test(self, test: Node, fingerprint: str) -> Action:
        entry = self._given.state.entries.get(test.unique_id)
        text = f"{test.checksum} {test.macros_hash} {fingerprint}"
        analysis = analysis_of_text(text, ())
        fresh = Entry(self._given.run_id, self._traits(test, analysis))
        why = next(filter(None, self._reasons(test, entry, fresh, test.reuse.never)), "")
        self._decide(test, entry, fresh, why)
        return self._decisions[test.unique_id].action

    def _as_it_stands(self, node: Node) -> Versions:
        """Return the version of what this build only reads; one that is new where none is known."""
        if node.resource_type == "source":
            return self._given.warehouse.sources.get(node.unique_id) or self._new()
        entry = self._given.state.entries.get(node.unique_id)
        return entry.versions if entry and self._stands(node, entry) else self._new()

    def _new(self) -> Versions:
        return Versions(self._given.token)

    def _stands(self, node: Node, entry: Entry) -> bool:
        if not node.is_relation:
            return True
        found = self._given.warehouse.standing.get(node.unique_id)
        return (
            found is not None
            and entry.standing is not None
            and (found.evidence == entry.standing.evidence)
        )

    def _plan_node(self, node: Node) -> None:
        entry = self._given.state.entries.get(node.unique_id)
        analysis = self._analysis(node)
        fresh = Entry(self._given.run_id, self._traits(node, analysis), self._reads(analysis))
        never = self._never(node, analysis)
        with_tests = self._plan_unit_tests_of(node, fresh.fingerprint)
        why = next(filter(None, (*self._reasons(node, entry, fresh, never), with_tests)), "")
        versions = self._made(node, entry, fresh, analysis, never, is_built=bool(why))
        self._versions[node.unique_id] = versions
        self._decide(node, entry, replace(fresh, versions=versions), why)

    def _never(self, node: Node, analysis: Analysis | None) -> str:
        """Return why a node may come to something else than in its last build, "" for no reason."""
        if self._given.compares:
            return ""
        return node.reuse.never or (analysis.never if analysis else "dbt did not compile it")

    def _decide(self, node: Node, entry: Entry | None, fresh: Entry, why: str) -> None:
        seconds = entry.seconds if entry else None
        if why or entry is None:
            self._decisions[node.unique_id] = Decision("build", why, fresh, seconds)
        else:
            why = f"unchanged since run {entry.run_id}"
            self._decisions[node.unique_id] = Decision("reuse", why, entry, seconds)

    def _reasons(self, node: Node, entry: Entry | None, fresh: Entry, never: str) -> Iterator[str]:
        """Yield why a node is built, the weightiest first; nothing for one that is reused."""
        yield self._given.builds_all
        yield "built" if node.unique_id in self._given.forced else ""
        yield f"never reused: {never}" if never else ""
        if entry is None:
            yield "no green build of it is known"
            return
        yield why_built(self._given.artifacts, entry, fresh)
        if not self._stands(node, entry):
            is_there = node.unique_id in self._given.warehouse.standing
            yield "changed since its last build" if is_there else "its relation is not there"
        yield self._held_up_by_parents(node)

    def _held_up_by_parents(self, node: Node) -> str:
        """Return which parent that is built takes the node with it, whatever it reads of it."""
        built = [p for p in node.depends_on if p in self._decisions and self._is_built(p)]
        if not built:
            return ""
        parent = self._given.artifacts.by_id[built[0]].label
        if node.is_test:
            return f"{parent} is built, which it tests"
        # Elsewhere than on DuckDB a table that is replaced takes its views with it.
        takes_views = self._given.artifacts.dbt.adapter != "duckdb" and not self._given.compares
        if node.materialization == "view" and takes_views:
            return f"{parent} is built, which it is a view of"
        return ""

    def _is_built(self, node_id: str) -> bool:
        return self._decisions[node_id].action == "build"

    def _analysis(self, node: Node) -> Analysis | None:
        """Return what a node's code says of it, None where dbt has not compiled it."""
        code = self._given.codes.get(node.unique_id)
        inputs = self._inputs(node)
        if node.resource_type == "seed":
            return self._of_seed(node)
        if code is None:
            return None
        if node.language != "sql":
            return analysis_of_text(code, inputs)
        if not is_adding(node):
            return self._analyse(code, inputs)
        # It may read what there is of itself already, which is no input.
        itself = Input(node.unique_id, node.database, node.schema_name, node.identifier)
        found = self._analyse(code, [*inputs, itself])
        return analysis_of_text(found.tree, inputs, found.never)

    def _analyse(self, code: str, inputs: list[Input]) -> Analysis:
        functions = self._given.warehouse.steady_functions
        return analyse(code, self._given.artifacts.dbt.adapter, tuple(inputs), functions)

    def _of_seed(self, node: Node) -> Analysis | None:
        versions = self._given.seeds.get(node.unique_id)
        if versions is None:
            return None
        columns = versions.columns
        parts = None if columns is None else {name: Part(each) for name, each in columns.items()}
        return Analysis(versions.of(WHOLE), Part(versions.rows), parts)

    def _inputs(self, node: Node) -> list[Input]:
        found = []
        for parent in (self._given.artifacts.by_id[i] for i in node.depends_on):
            versions = self._versions.get(parent.unique_id)
            columns = versions.columns if versions else None
            place = (parent.database, parent.schema_name, parent.identifier)
            names = None if columns is None else tuple(columns)
            found.append(Input(parent.unique_id, *place, names))
        return found

    def _traits(self, node: Node, analysis: Analysis | None) -> dict[str, str]:
        """Return hashes of what a node is built from beside its inputs."""
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
        """Return parent id -> column -> version of all that the node reads."""
        found: dict[str, dict[str, str]] = {}
        for leaf in sorted(analysis.reads if analysis else ()):
            found.setdefault(leaf.parent, {})[leaf.column] = self._version_of(leaf)
        return found

    def _version_of(self, leaf: Leaf) -> str:
        versions = self._versions.get(leaf.parent)
        return versions.of(leaf.column) if versions else self._given.token

    def _made(
        self,
        node: Node,
        entry: Entry | None,
        fresh: Entry,
        analysis: Analysis | None,
        never: str,
        *,
        is_built: bool,
    ) -> Versions:
        """Return the version of what a node will have been once this build is over."""
        is_same = entry is not None and entry.fingerprint == fresh.fingerprint
        adds = is_adding(node)
        is_steady = not never and (not adds or self._given.compares)
        if entry is not None and (not is_built or (is_same and is_steady)):
            return entry.versions
        built = self._given.built.get(node.unique_id)
        if analysis is None or never or adds:
            return _of_all(self._given.token, built)
        if analysis.columns is None or node.reuse.content:
            names = built if analysis.columns is None else tuple(analysis.columns)
            return _of_all(fresh.fingerprint, names)
        if built is not None and built != tuple(analysis.columns):
            # The warehouse has read the SQL in another way.
            return _of_all(fresh.fingerprint, built)
        version = self._version_of_part
        columns = {name: version(part) for name, part in analysis.columns.items()}
        return Versions(version(analysis.rows), columns)

    def _version_of_part(self, part: Part) -> str:
        return digest(part.hash, [[*leaf, self._version_of(leaf)] for leaf in sorted(part.leaves)])


def _of_all(version: str, columns: tuple[str, ...] | None) -> Versions:
    """Return the version of a relation that is new as a whole."""
    return Versions(version, None if columns is None else dict.fromkeys(columns, version))
