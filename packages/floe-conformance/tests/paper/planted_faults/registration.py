"""Plugins broken in how they are found and constructed."""

from __future__ import annotations

from paper_orchestrator import PaperPlugin


class NoVersion(PaperPlugin):
    version = ""
    caught_by = "test_it_is_an_orchestrator_plugin_with_three_texts"


class MadeForANewerFloe(PaperPlugin):
    floe_api_version = "1.1"
    caught_by = "test_it_was_made_for_this_floe"


class MadeForAnotherMajor(PaperPlugin):
    floe_api_version = "2.0"
    caught_by = "test_it_was_made_for_this_floe"


class InstalledUnderAnotherName(PaperPlugin):
    name = "paper-nobody"
    caught_by = "test_an_entry_point_of_its_name_leads_to_its_class"


class WantsAnArgument(PaperPlugin):
    caught_by = "test_it_is_constructed_without_arguments"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    @classmethod
    def made(cls) -> PaperPlugin:
        return cls("http://localhost")
