"""The profiles.yml of a product: its own, or a copy of the one that its groups name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from floe_core.compiler.literal_secrets import literal_secrets
from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError
from floe_core.user_yaml.dbt_yaml import read_dbt_document
from floe_core.user_yaml.source_map import Document
from floe_import.drafts.group_draft import GroupDraft
from floe_import.product.products import Product
from floe_import.product.projects import folder_beside
from floe_import.report.findings import changed, exact

PROFILES_FILE = "profiles.yml"


def copied_profiles(product: Product) -> str:
    """Return the text of a profiles.yml to write into the project's folder, "" for none.

    That is the file that all groups name in another folder, if their target is the profile's own.
    One that holds literal secrets is not copied.
    """
    first, project = product.drafts[0], product.project
    named = {(each.profile, each.target, each.profiles_dir) for each in product.drafts}
    if project is None or len(named) > 1 or any(draft.compute for draft in product.drafts):
        return ""
    source = _source(project.folder, first)
    if source is None or first.profile != project.profile:
        return ""
    document = _read(source)
    if document is None or _output(document, first.profile, first.target) is None:
        return ""
    is_other = document.data[first.profile].get("target") != first.target
    if is_other or next(literal_secrets(document), None):
        return ""
    said = f"a copy of {source} in the project's folder, which dbt finds there too"
    product.say("FLI118", PROFILES_FILE, first.place, exact(said))
    return source.read_text(encoding="utf-8")


def report_secrets(product: Product) -> None:
    """Report a profiles.yml of the project that `floe compile` refuses."""
    first, project = product.drafts[0], product.project
    if project is None or any(draft.compute for draft in product.drafts):
        return
    document = _read(project.folder / PROFILES_FILE)
    profile, target = project.profile, first.target or project.target
    if document is None or _output(document, profile, target) is None:
        return
    for _, problem in literal_secrets(document, (profile, "outputs", target)):
        said = f"{problem.what}: {problem.fix}, since floe compile refuses it"
        product.say("FLI119", PROFILES_FILE, first.place, changed(said))
        return


def _source(folder: Path, draft: GroupDraft) -> Path | None:
    """Return the file that a group names, beside the project's folder as it is there."""
    beside = folder_beside(folder, draft.profiles_dir, draft.project)
    if beside is None or (folder / PROFILES_FILE).exists():
        return None
    source = beside / PROFILES_FILE
    return source.resolve() if source.is_file() else None


def _read(file: Path) -> Document | None:
    try:
        return read_dbt_document(file, str(file)) if file.is_file() else None
    except (InvalidProductError, EnvironmentProblemError):
        return None


def _output(document: Document, profile: str, target: str) -> dict[str, Any] | None:
    found: Any = document.data
    for name in (profile, "outputs", target):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None
