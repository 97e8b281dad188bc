"""The rules for Cosmos, by the class that takes the argument."""

from __future__ import annotations

from floe_import.rules.judging import RuleBook

BOOK = RuleBook(nothing="COS000", other="COS009")
rule, always = BOOK.rule, BOOK.always
