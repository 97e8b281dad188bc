"""The tasks that show nodes, and the triggers that end them."""

_TRIGGERS = f"{__name__}.mirror_triggers"
# Class paths, since what a DAG file imports stays few.
MIRROR_TRIGGER = f"{_TRIGGERS}.MirrorTrigger"
OUTCOME_TRIGGER = f"{_TRIGGERS}.OutcomeTrigger"
