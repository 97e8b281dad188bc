"""The site has every page of docs/, and every link of the repository's pages leads somewhere."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.quick

ROOT = Path(__file__).parents[2]
DOCS = sorted(ROOT.glob("docs/**/*.md"))
OTHERS = ["*.md", "plugins/*/README.md", "packages/*/README.md", "charts/*/README.md"]
PAGES = [*DOCS, *(page for pattern in OTHERS for page in sorted(ROOT.glob(pattern)))]
# A path, an anchor or both; what has a scheme leads to another site.
LINK = re.compile(r'(?:\]\(|src=")(?!\w+:)([^)"#\s]*)(?:#([^)"\s]+))?[)"]')
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


def pages_in(entry: Any) -> Iterator[str]:
    """Yield the pages below an entry of the navigation."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        yield from pages_in(list(entry.values()))
    else:
        for below in entry:
            yield from pages_in(below)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MkDocs write them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    plain = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in HEADING.findall(text))
    return {re.sub(r"\s", "-", heading) for heading in plain}


def test_every_page_of_docs_is_in_the_navigation_once() -> None:
    navigation = sorted(pages_in(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    outside = re.findall(r'^    ".*": "(.*)",$', (ROOT / "scripts/site/pages.py").read_text(), re.M)
    assert len(outside) == 9
    assert navigation == sorted(
        [*(str(page.relative_to(ROOT / "docs")) for page in DOCS), *outside]
    )


def test_every_module_of_the_reference_is_there() -> None:
    named = [
        name
        for page in ROOT.glob("docs/reference/*.md")
        for name in re.findall(r"^::: (\S+)$", page.read_text(), re.MULTILINE)
    ]
    assert len(named) == len(set(named)) > 20
    for name in named:
        module, _, attribute = name.rpartition(".")
        if getattr(importlib.import_module(module), attribute, None) is None:
            importlib.import_module(name)
            assert sys.modules[name].__doc__


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    lost = []
    for path, anchor in LINK.findall(CODE.sub("", page.read_text())):
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(f"{path}#{anchor}" if anchor else path)
    assert lost == []


@pytest.mark.parametrize("page", ["README.md", "docs/compared.md"])
def test_the_ratios_of_a_page_are_those_of_the_benchmarks(page: str) -> None:
    measured = set(re.findall(r"\b\d+\.\d+", (ROOT / "docs/benchmarks.md").read_text()))
    told = re.findall(r"\b(\d+\.\d+)x\b", (ROOT / page).read_text())
    assert len(told) >= 8
    assert [each for each in told if each not in measured] == []
