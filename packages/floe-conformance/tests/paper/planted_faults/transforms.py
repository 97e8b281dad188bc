"""Plugins broken in what they make of transforms."""

from __future__ import annotations

from typing import Any

from paper_orchestrator import PaperPlugin, PaperTask

from floe_core.plugin_interfaces import TransformConfig


class LeavesOutWhatNeedsOthers(PaperPlugin):
    caught_by = "test_a_dependency_outside_the_list_is_no_object_of_it"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        names = {transform.name for transform in transforms}
        own = [transform for transform in transforms if names.issuperset(transform.depends_on)]
        return super().create_assets_from_transforms(own)


class MakesOneObjectTwice(PaperPlugin):
    """The kit's other checks would see it too, had this plugin's writer supplied a look."""

    caught_by = "test_each_transform_is_one_object"
    has_look_at_transforms = False

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        made = super().create_assets_from_transforms(transforms)
        return made[:-1] + made[:1]


class CannotMakeNothing(PaperPlugin):
    caught_by = "test_no_transforms_are_no_objects"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        if not transforms:
            raise ValueError("no transforms")
        return super().create_assets_from_transforms(transforms)


class TurnsTheOrder(PaperPlugin):
    caught_by = "test_transforms_keep_their_order_and_dependencies"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        return super().create_assets_from_transforms(transforms)[::-1]


class SetsNoDependencies(PaperPlugin):
    caught_by = "test_transforms_keep_their_order_and_dependencies"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        made = super().create_assets_from_transforms(transforms)
        return [PaperTask(task.name) for task in made]


class SwallowsACycle(PaperPlugin):
    caught_by = "test_an_impossible_list_is_refused_in_the_words_of_core[cycle]"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        try:
            return super().create_assets_from_transforms(transforms)
        except ValueError as error:
            if "cycle" in str(error):
                return [PaperTask(transform.name) for transform in transforms]
            raise


class HasWordsOfItsOwnForADuplicate(PaperPlugin):
    caught_by = "test_an_impossible_list_is_refused_in_the_words_of_core[duplicate]"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        if len({transform.name for transform in transforms}) < len(transforms):
            raise ValueError("twice the same name")
        return super().create_assets_from_transforms(transforms)
