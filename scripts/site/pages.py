"""Give the site the pages that live outside docs/, and lead links to where the site has them.

A hook of MkDocs, named in mkdocs.yml.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "plugins/floe-orchestrator-dagster/README.md": "dagster.md",
    "plugins/floe-orchestrator-airflow/README.md": "airflow.md",
    "plugins/floe-orchestrator-prefect/README.md": "prefect.md",
    "charts/floe-dagster/README.md": "chart-dagster.md",
    "charts/floe-airflow/README.md": "chart-airflow.md",
}
SOURCES = {site: source for source, site in PAGES.items()}
LINK = re.compile(
    r"\[(?P<text>[^\]]*)\]\((?P<target>(?!https?:|mailto:|#)[^)#\s]+)(?P<anchor>#[^)]*)?\)"
)
IMAGE = re.compile(r'src="(?P<target>docs/[^"]+)"')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/."""
    for source, site in PAGES.items():
        files.append(File.generated(config, site, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the page with its links as the site has them."""
    site = page.file.src_uri
    source = SOURCES.get(site, f"docs/{site}")
    markdown = IMAGE.sub(lambda found: f'src="{found["target"].removeprefix("docs/")}"', markdown)
    return LINK.sub(lambda found: _site_link(found, source), markdown)


def _site_link(found: re.Match[str], source: str) -> str:
    """Return a link as the site has it; a file that is not on the site becomes its path."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), found["target"]))
    if not (ROOT / path).exists():
        return found[0]
    if path in PAGES:
        target = PAGES[path]
    elif path.startswith("docs/"):
        target = path.removeprefix("docs/")
        target = f"{target}/README.md" if (ROOT / path).is_dir() else target
    else:
        return f"{found['text']} (`{path}`)"
    here = posixpath.dirname(_site_of(source))
    return f"[{found['text']}]({posixpath.relpath(target, here or '.')}{found['anchor'] or ''})"


def _site_of(source: str) -> str:
    """Return where the site has a file of the repository."""
    return PAGES.get(source, source.removeprefix("docs/"))
