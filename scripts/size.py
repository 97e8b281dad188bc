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
    circles = list(_circles(with_types=False))
    typed = list(_circles(with_types=True))
    rows = _sizes() | dict(zip(list(LIMITS)[-2:], (len(circles), len(typed)), strict=True))
    for name, value in rows.items():
        limit = f"  of {LIMITS[name]:,}" if name in LIMITS else ""
        over = "  over" if value > LIMITS.get(name, value) else ""
        print(f"{name:32}{value:>9,.0f}{limit}{over}")
    print(*(f"circle: {', '.join(each)}" for each in typed), sep="\n")
    return 1 if "--check" in sys.argv and circles else 0


def _sizes() -> dict[str, float]:
    tests = [_text(path) for path in _tracked("*.py") if "tests" in path.parts]
    docs = [_text(path) for path in _tracked("docs/*.md")]
    core = [path for path in _sources() if path.is_relative_to(CORE)]
    return {
        **_code_sizes("source", _sources()),
        **_code_sizes("core", core),
        "core, rooms": len({path.parts[4] for path in core if path.parent != CORE}),
        "tests, files": len(tests),
        "tests, lines": sum(len(text.splitlines()) for text in tests),
        "docs, pages": len(docs),
        "docs, words": sum(len(text.split()) for text in docs),
        "distributions": sum(
            "\npackage = false" not in _text(p) for p in _tracked("*project.toml")
        ),
    }


def _code_sizes(name: str, paths: list[Path]) -> dict[str, float]:
    files = [len(_text(path).splitlines()) for path in paths]
    nodes = (node for path in paths for node in ast.walk(ast.parse(_text(path))))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
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
    listed = subprocess.run(
        ["git", "ls-files", pattern], capture_output=True, text=True, check=True
    )
    return [path for path in map(Path, listed.stdout.splitlines()) if path.is_file()]


def _sources() -> list[Path]:
    kept = [path for path in _tracked("*.py") if path.parts[0] in ("packages", "plugins")]
    return [path for path in kept if "tests" not in path.parts]


def _text(path: Path) -> str:
    return path.read_text("utf-8")


def _circles(*, with_types: bool) -> Iterator[list[str]]:
    """Yield the modules that reach each other through imports, those in functions included."""
    modules = {
        path.with_suffix("").parts[3:]: path for path in _sources() if path.parts[2] == "src"
    }
    paths = {".".join(name).removesuffix(".__init__"): path for name, path in modules.items()}
    imports = {name: set(_imports(paths[name], set(paths), with_types)) - {name} for name in paths}
    reached = {name: _reached(name, imports) for name in imports}
    circles = {frozenset(m for m in reached[n] if n in reached[m]) for n in imports} - {frozenset()}
    yield from sorted(map(sorted, circles))


def _reached(start: str, imports: dict[str, set[str]]) -> set[str]:
    found, left = set[str](), [start]
    while left:
        new = imports[left.pop()] - found
        found |= new
        left.extend(new)
    return found


def _imports(path: Path, modules: set[str], with_types: bool) -> Iterator[str]:
    for node in _nodes(ast.parse(_text(path)), with_types):
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
