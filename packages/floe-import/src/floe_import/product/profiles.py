"""The profile, target and packages of a product: its own, or those that its groups name."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Any

from floe_core.compiler.literal_secrets import literal_secrets
from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError
from floe_core.user_yaml.dbt_yaml import read_dbt_document
from floe_core.user_yaml.source_map import Document
from floe_import.drafts import GroupDraft
from floe_import.product.products import Product
from floe_import.product.projects import DbtProject, folder_beside, target_in
from floe_import.report import changed, exact, unknown


def report_project(product: Product) -> None:
    """Report where the project is, and what it says of packages."""
    first = product.drafts[0]
    if product.project is None:
        said = (
            f"{first.project} is not on this machine: put floe.yaml and manifest.yaml into "
            f"the project's "
            "folder, or name it with --project, and its profile and packages are checked"
        )
        product.say("FLI110", f"product {product.name}", first.place, changed(said))
        return
    said = f"floe.yaml and manifest.yaml go to {product.project.folder}"
    product.say("FLI111", f"product {product.name}", first.place, exact(said))
    installs = any(draft.installs_packages for draft in product.drafts)
    if installs and product.project.has_packages and not product.project.pins_packages:
        said = (
            "`floe compile` installs them once, and runs keep these versions: commit "
            "package-lock.yml, so that they are the same everywhere"
        )
        product.say("FLI112", "packages of the project", first.place, changed(said))


def target_of(product: Product) -> str:
    """Return the target that manifest.yaml has to name, "" if dbt finds it by itself."""
    targets = {draft.target for draft in product.drafts if draft.target}
    if len(targets) > 1:
        said = (
            f"the groups use several targets ({', '.join(sorted(targets))}): make an "
            f"environment of each"
        )
        product.say("FLI113", "target_name", product.drafts[-1].place, unknown(said))
        return ""
    target = next(iter(targets), "")
    project = product.project
    if not target or any(draft.compute for draft in product.drafts):
        return ""
    if project is not None and target == _target_of_profile(product, project):
        return ""
    said = (
        f"the environment {target!r} of manifest.yaml: set FLOE_ENV={target} wherever "
        f"the product is loaded"
    )
    product.say("FLI114", f"target {target}", product.drafts[0].place, changed(said))
    return target


def _target_of_profile(product: Product, project: DbtProject) -> str:
    """Return the target of the profile, which may be in a folder beside the project."""
    first = product.drafts[0]
    folder: Path | None = project.folder
    if first.profiles_dir:
        folder = folder_beside(project.folder, first.profiles_dir, first.project)
    return target_in(folder, first.profile or project.profile) if folder else ""


def report_profiles_folder(product: Product) -> None:
    """Report a profiles.yml that is not in the project's folder."""
    for draft in product.drafts:
        folder = posixpath.normpath(draft.profiles_dir) if draft.profiles_dir else ""
        if folder == "${DBT_PROFILES_DIR}":
            said = "set DBT_PROFILES_DIR where `floe compile` runs, too"
            product.say("FLI116", "profiles.yml", draft.place, changed(said))
            return
        if _is_home(folder, product.project):
            continue
        if folder and folder != posixpath.normpath(draft.project):
            said = f"set DBT_PROFILES_DIR={folder} where `floe compile` and the workers run"
            product.say("FLI116", "profiles.yml", draft.place, changed(said))
            return


def _is_home(folder: str, project: DbtProject | None) -> bool:
    """Return whether dbt looks in a folder of its own accord, and finds none before it."""
    if folder not in ("${HOME}/.dbt", "$HOME/.dbt", "~/.dbt") or project is None:
        return False
    return not (project.folder / "profiles.yml").exists()


def report_computes(product: Product) -> None:
    """Report groups of one project that use several connections or profiles of their own."""
    first = product.drafts[0]
    for draft in product.drafts[1:]:
        if draft.compute != first.compute:
            said = (
                f"manifest.yaml has the warehouse of {first.name}: make an environment of "
                f"the other, "
                "or a product of its own"
            )
            product.say("FLI117", f"profile of {draft.name}", draft.place, unknown(said))


def report_profile(product: Product) -> None:
    """Report a profile that is not the project's own."""
    profiles = {draft.profile for draft in product.drafts if draft.profile}
    project = product.project
    if project is None or not project.profile or not profiles or profiles == {project.profile}:
        return
    if any(draft.compute for draft in product.drafts):
        return
    said = (
        f"dbt_project.yml names the profile {project.profile!r}: set DBT_PROFILE to the "
        f"other where "
        "`floe compile` and the workers run"
    )
    named = ", ".join(sorted(profiles))
    product.say("FLI115", f"profile {named}", product.drafts[0].place, changed(said))


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
