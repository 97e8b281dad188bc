"""Print how large this repository is, beside its limits; `--check` fails on circles of imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

CORE = Path("packages/floe-core/src/floe_core")
LIMITS = {
    "source, lines": 90_000,
    "source, files": 800,
    "core, lines": 41_000,
    "core, files": 340,
    "core, rooms": 20,
    "tests, lines": 90_000,
    "docs, words": 56_000,
    "circles of imports": 0,
    "circles, with those for types": 0,
}


def main() -> int:
    """Print the table; return the exit code."""
    circles, typed = (list(_circles(with_types=each)) for each in (False, True))
    rows = _sizes() | dict(zip(list(LIMITS)[-2:], (len(circles), len(typed)), strict=True))
    for name, value in rows.items():
        limit = f"of {LIMITS[name]:,}" if name in LIMITS else ""
        print(f"{name:32}{value:>9,.0f}", limit, "over" if value > LIMITS.get(name, value) else "")
    print(*(f"circle: {', '.join(each)}" for each in typed), sep="\n")
    return 1 if "--check" in sys.argv and circles else 0


def _sizes() -> dict[str, float]:
    tests = [path.read_text("utf-8") for path in _tracked("*.py") if "tests" in path.parts]
    docs = [path.read_text("utf-8") for path in _tracked("docs/*.md")]
    projects = [path.read_text("utf-8") for path in _tracked("*pyproject.toml")]
    core = [path for path in _sources() if path.is_relative_to(CORE)]
    return {
        **_code_sizes("source", _sources()),
        **_code_sizes("core", core),
        "core, rooms": len({path.parts[4] for path in core if path.parent != CORE}),
        "tests, files": len(tests),
        "tests, lines": sum(len(text.splitlines()) for text in tests),
        "docs, pages": len(docs),
        "docs, words": sum(len(text.split()) for text in docs),
        "distributions": len([text for text in projects if "\npackage = false" not in text]),
    }


def _code_sizes(name: str, paths: list[Path]) -> dict[str, float]:
    files = [len(path.read_text("utf-8").splitlines()) for path in paths]
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    functions = [int(n.end_lineno or 0) - n.lineno + 1 for n in nodes if isinstance(n, kinds)]
    return {
        f"{name}, lines": sum(files),
        f"{name}, files": len(files),
        f"{name}, lines a file, median": median(files),
        f"{name}, functions": len(functions),
        f"{name}, lines a function, median": median(functions),
        f"{name}, lines a function, p90": quantiles(functions, n=10)[-1],
    }


def _tracked(pattern: str) -> list[Path]:
    listed = subprocess.check_output(["git", "ls-files", pattern], text=True).splitlines()
    return [path for path in map(Path, listed) if path.is_file()]


def _sources() -> list[Path]:
    kept = (*_tracked("packages/*.py"), *_tracked("plugins/*.py"))
    return [path for path in kept if "tests" not in path.parts]


def _circles(*, with_types: bool) -> Iterator[list[str]]:
    """Yield the modules that reach each other through imports, those in functions included."""
    sources = [path for path in _sources() if path.parts[2] == "src"]
    names = (".".join(path.with_suffix("").parts[3:]) for path in sources)
    paths = {
        name.removesuffix(".__init__"): path for name, path in zip(names, sources, strict=True)
    }
    imports = {name: set(_imports(paths[name], set(paths), with_types)) - {name} for name in paths}
    reached = {name: _reached(name, imports) for name in imports}
    circles = {frozenset(m for m in reached[n] if n in reached[m]) for n in imports} - {frozenset()}
    yield from sorted(map(sorted, circles))


def _reached(start: str, imports: dict[str, set[str]]) -> set[str]:
    found, new = set[str](), imports[start]
    while new:
        found |= new
        new = {other for name in new for other in imports[name]} - found
    return found


def _imports(path: Path, modules: set[str], with_types: bool) -> Iterator[str]:
    for node in _nodes(ast.parse(path.read_text("utf-8")), with_types):
        if isinstance(node, ast.Import):
            yield from {alias.name for alias in node.names} & modules
        elif isinstance(node, ast.ImportFrom):
            found = {f"{node.module}.{alias.name}" for alias in node.names} & modules
            package = {str(node.module)} if len(found) < len(node.names) else set[str]()
            yield from found | package & modules


def _nodes(tree: ast.AST, with_types: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        is_for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if with_types or not is_for_types:
            yield from (node, *_nodes(node, with_types))


if __name__ == "__main__":
    sys.exit(main())
