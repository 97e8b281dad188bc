"""Add the steps of floe.yaml to dbt's graph."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path

from floe_core.compiler.code.code_hashes import hash_file
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.nodes.refine import names_of_relations
from floe_core.schemas.floe_yaml import StepSpec
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import STEP, Node, Step, source_name
from floe_core.schemas.ports import port_key, short_port_name

NEARLY = 0.85
# What dbt does beside building; the nodes of a product are built by floe.
_DBT_COMMANDS = ("run-operation", "clone")
_OPTIONS_OF_FLOE = frozenset(
    {"--project-dir", "--profiles-dir", "--profile", "--target", "-t", "--target-path"}
    | {"--log-path", "--vars"}
)
_DATASET = re.compile(r"[A-Za-z_][\w.-]*|[a-z][a-z0-9+.-]*://[^\s?#]+", re.ASCII)


@dataclass(frozen=True)
class StepsInGraph:
    """The nodes of a product, including its steps, sorted by id, and the steps' processes."""

    nodes: tuple[Node, ...]
    steps: tuple[Step, ...]


def add_steps(nodes: Sequence[Node], inputs: Inputs, findings: Findings) -> StepsInGraph:
    """Return the graph with the steps in it; note every problem of the steps.

    A node that reads a source that a step writes depends on the step.

    Raises:
        InvalidProductError: The graph has a cycle, so it can't be checked further.
    """
    if not inputs.spec.steps:
        return StepsInGraph(tuple(nodes), ())
    resolved = _Resolver(nodes, inputs, findings).resolve()
    writers = {source: each.id for each in resolved for source in each.sources}
    linked = [_below_writers(node, writers) for node in nodes]
    own = [_below_writers(_node(each, inputs), writers) for each in resolved]
    everything = sorted([*linked, *own], key=lambda node: node.unique_id)
    _refuse_cycle(everything, inputs, findings)
    return StepsInGraph(tuple(everything), tuple(_step(each) for each in resolved))


def _refuse_cycle(nodes: Sequence[Node], inputs: Inputs, findings: Findings) -> None:
    by_id = {node.unique_id: node for node in nodes}
    cycle = [by_id[unique_id] for unique_id in NodeGraph(nodes).cycle()]
    if not cycle:
        return
    name = next(node.name for node in cycle if node.is_step)
    index = [spec.name for spec in inputs.spec.steps].index(name)
    what = f"steps and dbt nodes form a cycle: {' -> '.join(node.name for node in cycle)}"
    fix = f"change what step '{name}' reads or writes"
    findings.add(inputs.spec_document.problem(("steps", index), what, fix))
    findings.raise_if_any()


def step_id(product: str, name: str) -> str:
    """Return the id of a step's node."""
    return f"{STEP}.{product}.{name}"


@dataclass
class _Resolved:
    """A step with names resolved to ids. `parents` are the nodes, sources and steps it reads."""

    id: str
    spec: StepSpec
    parents: set[str] = field(default_factory=set)
    sources: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)


class _Resolver:
    def __init__(self, nodes: Sequence[Node], inputs: Inputs, findings: Findings) -> None:
        self._specs = inputs.spec.steps
        self._product = inputs.spec.metadata.name
        self._document = inputs.spec_document
        self._findings = findings
        self._relations = names_of_relations(nodes, inputs.dbt_project_name)
        self._sources = {
            source_name(node): node.unique_id for node in nodes if node.resource_type == "source"
        }
        self._ports = _names_of_ports(nodes)
        # Ports of unpublished producers: compile allowed them, or it would not get here.
        self._missing = _names_of_missing_ports(inputs, self._ports)
        self._writers: dict[str, str] = {}
        self._datasets: list[str] = []

    def resolve(self) -> list[_Resolved]:
        """Return the steps in the order of floe.yaml, leaving out repeated names."""
        found: dict[str, _Resolved] = {}
        for index, spec in enumerate(self._specs):
            each = _Resolved(step_id(self._product, spec.name), spec)
            self._check(index, spec, each.id in found)
            self._resolve_writes(index, each)
            found.setdefault(each.id, each)
        for index, spec in enumerate(self._specs):
            self._resolve_reads(index, found[step_id(self._product, spec.name)])
        return list(found.values())

    def _check(self, index: int, spec: StepSpec, is_second: bool) -> None:
        if is_second:
            self._report((index, "name"), f"step '{spec.name}' is defined twice", "rename one")
        if spec.name in self._relations:
            what = f"step '{spec.name}' has the name of {self._relations[spec.name].unique_id}"
            self._report((index, "name"), what, "rename the step; selections go by name")
        given = [key for key in ("command", "python", "dbt") if getattr(spec, key) is not None]
        if spec.image and given not in ([], ["command"]):
            what = f"step '{spec.name}' has both an 'image' and '{given[-1]}'"
            self._report((index, given[-1]), what, "give the program in the image as 'command'")
        elif not spec.image and len(given) != 1:
            what = f"step '{spec.name}' has to have one of 'command', 'python', 'dbt' and 'image'"
            fix = "keep one: a program, module:function, a dbt command, or a container image"
            self._report((index, "name"), what, fix)
        for what, fix in _dbt_problems(spec.dbt or []):
            self._report((index, "dbt"), f"step '{spec.name}': {what}", fix)

    def _resolve_writes(self, index: int, step: _Resolved) -> None:
        for position, name in enumerate(step.spec.writes):
            place = (index, "writes", position)
            if name in self._writers and self._writers[name] != step.id:
                what = f"'{name}' is written by {self._writers[name]} as well"
                self._report(place, what, "let one step write it")
            self._writers[name] = step.id
            if name in self._relations:
                what = f"'{name}' is built by dbt"
                self._report(place, what, "name a source of the dbt project, or another dataset")
            elif name in self._sources:
                step.sources.append(self._sources[name])
            else:
                step.datasets.append(name)
                if self._is_sound(place, name):
                    self._datasets.append(name)

    def _is_sound(self, place: tuple[str | int, ...], name: str) -> bool:
        """Return whether a dataset may have this name; mention a source with a similar name."""
        if not _DATASET.fullmatch(name):
            fix = "write a name, such as crm.segments, or a URL, such as s3://bucket/segments"
            self._report(place, f"'{name}' is not a dataset name", fix)
            return False
        near = get_close_matches(name, self._sources, n=1, cutoff=NEARLY)
        fix = f"did you mean '{near[0]}'?" if near else "declare the table in the dbt project"
        source = name.partition(".")[0]
        if any(known.startswith(f"{source}.") for known in self._sources):
            self._report(place, f"the dbt source '{source}' has no table for '{name}'", fix)
            return False
        if near:
            what = f"floe.yaml: '{name}' is not a dbt source, so no model waits for it; {fix}"
            self._findings.notice(what)
        return True

    def _resolve_reads(self, index: int, step: _Resolved) -> None:
        for position, name in enumerate(step.spec.reads):
            if name in self._relations:
                step.parents.add(self._relations[name].unique_id)
            elif name in self._sources:
                step.parents.add(self._sources[name])
            elif name in self._ports:
                step.parents.add(self._ports[name])
            elif name in self._writers:
                step.inputs.append(name)
                step.parents |= {self._writers[name]} - {step.id}
            elif name not in self._missing:
                known = [*self._relations, *self._sources, *self._ports, *self._datasets]
                near = [*self._versions_of(name), *get_close_matches(name, known, n=1)]
                fix = f"did you mean '{near[0]}'?" if near else f"known are: {_first(known)}"
                what = f"'{name}' is not a dbt node, source or input port, and no step writes it"
                self._report((index, "reads", position), what, fix)

    def _versions_of(self, name: str) -> list[str]:
        """Return the keys of the versions of a port, if the product reads several of them."""
        head = name.replace(".", "/", 1) + "@"
        return [key for key in self._ports if key.startswith(head)]

    def _report(self, place: tuple[str | int, ...], what: str, fix: str) -> None:
        self._findings.add(self._document.problem(("steps", *place), what, fix))


def _dbt_problems(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the words of a dbt command, and how to fix it."""
    if words and words[0] not in _DBT_COMMANDS:
        known = " or ".join(_DBT_COMMANDS)
        yield f"floe does not run `dbt {words[0]}` as a step", f"write {known} first"
    for word in words:
        option = word.partition("=")[0]
        if option in _OPTIONS_OF_FLOE:
            yield f"floe passes {option} itself", "leave it out; vars are those of floe.yaml"


def _names_of_ports(nodes: Sequence[Node]) -> dict[str, str]:
    """Return name of an input port -> the node that stands for it.

    Names are `product.port`, if only one version is read, and the key, `product/port@version`.
    """
    keys = {node.port: node.unique_id for node in nodes if node.port}
    short = [short_port_name(key) for key in keys]
    plain = {
        name: node_id
        for name, node_id in zip(short, keys.values(), strict=True)
        if short.count(name) == 1
    }
    return plain | keys


def _names_of_missing_ports(inputs: Inputs, known: Iterable[str]) -> set[str]:
    """Return the names of ports that floe.yaml reads but of which the graph has no version."""
    there = {short_port_name(name) for name in known}
    keys = [
        port_key(str(each.product), str(each.port), str(each.version or 1))
        for each in inputs.spec.input_ports
    ]
    missing = [key for key in keys if short_port_name(key) not in there]
    return {name for key in missing for name in (short_port_name(key), key)}


def _first(names: Iterable[str], count: int = 12) -> str:
    return ", ".join(sorted(names)[:count]) or "none"


def _below_writers(node: Node, writers: dict[str, str]) -> Node:
    above = {writers[each] for each in node.depends_on if each in writers} - {node.unique_id}
    if not above:
        return node
    return node.model_copy(update={"depends_on": tuple(sorted({*node.depends_on, *above}))})


def _node(step: _Resolved, inputs: Inputs) -> Node:
    spec = step.spec
    path = next(iter(_files(spec, inputs.product_dir)), "")
    # Settings that do not change what the step does are left out.
    left_out = {"pool", *(key for key in ("image", "dbt") if not getattr(spec, key))}
    text = json.dumps(spec.model_dump(mode="json", exclude=left_out), sort_keys=True)
    return Node(
        unique_id=step.id,
        name=spec.name,
        resource_type="step",
        package=inputs.dbt_project_name,
        path=path,
        fqn=(inputs.dbt_project_name, "steps", spec.name),
        depends_on=tuple(sorted(step.parents)),
        tags=tuple(sorted(set(spec.tags))),
        description=spec.description.strip(),
        owners=(spec.owner,) if spec.owner else (),
        meta=spec.meta,
        checksum=hash_file(inputs.product_dir / path) if path else "",
        config_hash=sha256(text.encode()).hexdigest(),
        retries=spec.retries,
        timeout_seconds=spec.timeout_seconds,
        pool=spec.pool or "",
    )


def _files(spec: StepSpec, product_dir: Path) -> Iterator[str]:
    """Yield the product's files that the step's command or function names."""
    words = [] if spec.image else list(spec.command or ())
    if spec.python:
        module = spec.python.partition(":")[0].replace(".", "/")
        words = [f"{module}.py", f"{module}/__init__.py"]
    for word in words:
        path = Path(word)
        if path.is_absolute() or ".." in path.parts:
            continue
        try:
            is_file = (product_dir / path).is_file()
        except (OSError, ValueError):
            is_file = False
        if is_file:
            yield path.as_posix()


def _step(step: _Resolved) -> Step:
    return Step(
        unique_id=step.id,
        command=tuple(step.spec.command or ()),
        python=step.spec.python or "",
        dbt=tuple(step.spec.dbt or ()),
        image=step.spec.image or "",
        sources=tuple(step.sources),
        datasets=tuple(step.datasets),
        inputs=tuple(step.inputs),
    )
