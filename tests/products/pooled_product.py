"""A product whose models write down when they begin and end, some of them in a pool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from floe_core.compiler import compile_product
from floe_core.schemas import CompiledArtifacts

POOL = "heavy"
_FILES = {
    "manifest.yaml": """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: test-platform, version: 1.0.0, owner: platform@example.com}
plugins:
  orchestrator: {type: plain}
  compute: {type: duckdb, config: {path: "shop.duckdb", threads: THREADS}}
observability: {lineage: {enabled: false}}
""",
    "floe.yaml": """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: NAME, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
MORE""",
    # Inherited by what lies in the folder.
    "dbt_project.yml": f"""\
name: shop
version: 1.0.0
profile: shop
models:
  shop:
    pooled:
      +meta: {{floe: {{pool: {POOL}}}}}
""",
}
_MODEL = """\
import time


def note(what):
    with open(SPANS, "a") as file:
        file.write(f"NAME {what} {time.time()}\\n")


def model(dbt, session):
    dbt.config(materialized="table")
    note("begin")
    time.sleep(SECONDS)
    note("end")
    return session.sql("select 1 as id")
"""


@dataclass(frozen=True, slots=True)
class Span:
    """When a model ran, in seconds of the epoch; `end` is infinite for one that was broken off."""

    name: str
    begin: float
    end: float


def compiled_pooled(
    folder: Path,
    name: str,
    orchestrator: str,
    spans: Path,
    *,
    pooled: int = 3,
    free: int = 1,
    seconds: float = 1.0,
    threads: int = 4,
    more: str = "",
) -> CompiledArtifacts:
    """Write and compile a product of models that read nothing, some in the pool.

    All add to the file `spans`. `more` goes to floe.yaml.
    """
    texts = {"THREADS": str(threads), "NAME": name, "MORE": more}
    for path, text in _FILES.items():
        for word, given in texts.items():
            text = text.replace(word, given)
        _write(folder / path, text)
    in_pool = [f"pooled/{name.replace('-', '_')}_pooled_{n}" for n in range(pooled)]
    others = [f"{name.replace('-', '_')}_free_{n}" for n in range(free)]
    for path in (*in_pool, *others):
        texts = {"SPANS": repr(str(spans)), "NAME": Path(path).name, "SECONDS": str(seconds)}
        text = _MODEL
        for word, given in texts.items():
            text = text.replace(word, given)
        _write(folder / "models" / f"{path}.py", text)
    return compile_product(folder, orchestrator=orchestrator)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def read_spans(file: Path) -> list[Span]:
    """Return when each model ran, in the order of their beginnings."""
    begun: list[tuple[str, float]] = []
    ends: dict[str, list[float]] = {}
    for line in file.read_text().splitlines() if file.exists() else ():
        name, what, moment = line.split()
        if what == "begin":
            begun.append((name, float(moment)))
        else:
            ends.setdefault(name, []).append(float(moment))
    return [
        Span(name, begin, min((e for e in ends.get(name, ()) if e > begin), default=float("inf")))
        for name, begin in begun
    ]


def most_at_once(spans: list[Span]) -> int:
    """Return the largest number of spans that hold one moment."""
    return max((sum(o.begin <= s.begin < o.end for o in spans) for s in spans), default=0)


def pooled_of(spans: list[Span]) -> list[Span]:
    """Return the spans of models in the pool."""
    return [span for span in spans if "_pooled_" in span.name]
