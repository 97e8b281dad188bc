"""Plugins broken in what they refuse and in what they leave in the folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from paper_orchestrator import PaperBook, PaperPlugin

from floe_core.foundation.errors import Problem, invalid
from floe_core.plugin_api.powers import EntryPointFile
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class WritesIntoTheArtifacts(PaperPlugin):
    caught_by = "test_the_artifacts_stay_as_they_were"

    def create_definitions(self, artifacts: CompiledArtifacts) -> Any:
        made = super().create_definitions(artifacts)
        artifacts.nodes[0].meta[f"paper {time.monotonic_ns()}"] = True
        return made


class NamesNoLoader(PaperPlugin):
    caught_by = "test_without_a_folder_it_names_the_loader_to_call"

    def without_a_folder(self, artifacts: CompiledArtifacts) -> Exception:
        return invalid("no folder", fix="call paper_orchestrator.open_book(project_dir)")


class LoadsLessThanItDefines(PaperPlugin):
    caught_by = "test_the_loader_loads_the_same"

    @classmethod
    def load_product(cls, product_name: str, project_dir: Path) -> Any:
        book: PaperBook = super().load_product(product_name, project_dir)
        book.jobs.pop("paused")
        return book


class LoadsAnyProduct(PaperPlugin):
    caught_by = "test_the_loader_refuses_another_product"

    @classmethod
    def load_product(cls, product_name: str, project_dir: Path) -> Any:
        return cls.made().create_definitions(CompiledArtifacts.load(project_dir))


class LoadsAStaleFolder(PaperPlugin):
    caught_by = "test_the_loader_refuses_a_stale_folder"

    @classmethod
    def load_product(cls, product_name: str, project_dir: Path) -> Any:
        text = (project_dir / "compiled_artifacts.json").read_text("utf-8")
        artifacts = CompiledArtifacts.model_validate_json(text)
        if artifacts.product.name != product_name:
            raise invalid(f"it is of product {artifacts.product.name}, not {product_name}")
        return cls.made().create_definitions(artifacts.bound_to(project_dir))


class TellsOneProblemAtATime(PaperPlugin):
    caught_by = "test_all_problems_are_reported_at_once"

    def schedule_problems(self, artifacts: CompiledArtifacts) -> list[Problem]:
        return [] if self.graph_problems(artifacts) else super().schedule_problems(artifacts)


class WritesTheTimeIntoItsFile(PaperPlugin):
    caught_by = "test_the_entry_point_file_is_in_the_folder_and_does_not_change"

    def entry_point_file(self, product_name: str) -> EntryPointFile:
        return EntryPointFile("paper_book.py", f"# {time.monotonic_ns()}\n")
