"""What ports cost: compiling a product that reads some, and `floe mesh` of 200 products.

    .venv/bin/python benchmarks/mesh.py [--products 200] [--json FILE]

The product has 50 models and reads three ports; beside it, in turns, the same product with a table
of its own in their place. Seconds of compiling are CPU seconds. The mesh is of copies of that
product, each reading the three before it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from floe_console.mesh import read_mesh
from floe_core.compiler import compile_product
from floe_core.compiler.ports.products import read_platform

MODELS, READ, ROUNDS = 50, 3, 9
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: many, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "../many.duckdb", schema: "{product_slug}"}}
ledger: ledger
products:
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {{name: {name}, version: 1.0.0}}
outputPorts: [{{name: out, model: {name}_m{last}}}]
"""


def write(root: Path, number: int, *, reads: bool) -> Path:
    """Write a product; without `reads`, it has a table of its own where others read ports."""
    name = f"p{number}" if reads or number < READ else f"alone{number}"
    upstream = [number - back for back in range(1, READ + 1)] if reads else []
    folder = root / name
    (folder / "models").mkdir(parents=True)
    text = FLOE.format(name=name, last=MODELS - 1)
    if upstream:
        ports = "".join(f"  - {{product: p{each}, port: out}}\n" for each in upstream)
        text += f"inputPorts:\n{ports}schedule: {{onUpdate: all}}\n"
    (folder / "floe.yaml").write_text(text)
    (folder / "dbt_project.yml").write_text(f"name: {name}\nversion: 1.0.0\nprofile: many\n")
    first = " union all ".join(
        f"select id, v from {{{{ ref('p{each}', 'p{each}_m{MODELS - 1}') }}}}" for each in upstream
    )
    for model in range(MODELS):
        above = f"select id, v + 1 as v from {{{{ ref('{name}_m{model - 1}') }}}}"
        sql = above if model else first or "select 1 as id, 2 as v"
        (folder / "models" / f"{name}_m{model}.sql").write_text(sql)
    return folder


def cpu_seconds(folder: Path) -> float:
    """Return what compiling takes."""
    began = time.process_time()
    compile_product(folder)
    return time.process_time() - began


def copy(folder: Path, number: int) -> None:
    """Write the compiled files of one more product like this one, by changing its names."""
    text = (folder / "compiled_artifacts.json").read_text()
    for back in range(READ + 1):
        for mark in ('"', "_", ".", "/"):
            text = text.replace(f"p{READ - back}{mark}", f"@{number - back}{mark}")
    place = folder.parent / f"p{number}"
    place.mkdir()
    (place / "compiled_artifacts.json").write_text(text.replace("@", "p"))


def measured(products: int, root: Path) -> dict[str, float]:
    """Return the ratio of compiling, and the seconds of reading the mesh."""
    names = "".join(f"  p{number}: p{number}\n" for number in range(products))
    (root / "manifest.yaml").write_text(MANIFEST + names)
    for number in range(READ):
        compile_product(write(root, number, reads=False))
    reading, alone = write(root, READ, reads=True), write(root, READ, reads=False)
    for folder in (reading, alone):
        compile_product(folder)
    ratios = [cpu_seconds(reading) / cpu_seconds(alone) for _ in range(ROUNDS)]
    for number in range(READ + 1, products):
        copy(reading, number)
    began = time.perf_counter()
    mesh = read_mesh(read_platform(root))
    seconds = time.perf_counter() - began
    assert len(mesh.products) == products
    assert sum(len(product.reads) for product in mesh.products) == READ * (products - READ)
    return {"compile": statistics.median(ratios), "mesh_seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="floe-mesh-"))
    try:
        found = measured(arguments.products, root)
    finally:
        shutil.rmtree(root)
    print(f"compile with {READ} input ports: {found['compile']:.2f} of the same without")
    print(f"the mesh of {arguments.products} products: {found['mesh_seconds']:.2f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
