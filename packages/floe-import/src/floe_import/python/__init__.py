"""Python source, read by syntax tree: nothing of the user is executed."""

# Each registers the readers of its kinds of expressions.
from floe_import.python import calls, literals, names, operations

__all__ = ["calls", "literals", "names", "operations"]
