"""Turn floe.yaml, manifest.yaml and a dbt project into a compiled product."""

from floe_core.compiler.compile_product import compile_product

__all__ = ["compile_product"]
