"""Create dbt's Jinja contexts faster.

A node has two, and each macro that an adapter calls has one more. Each context holds a callable,
bound to it, for every macro of dbt, of the adapter and of all packages: some five hundred, of which
a node calls a dozen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from floe_core.dbt.lighter_dbt.known_source import are_known, replaced


@contextmanager
def lighter_contexts() -> Iterator[None]:
    """Make dbt create the same contexts faster, inside the block."""
    with ExitStack() as stack:
        for lighter in (_callables_of_macros, _modules):
            stack.enter_context(lighter())
        yield


@contextmanager
def _callables_of_macros() -> Iterator[None]:
    try:
        from dbt.clients.jinja import MacroGenerator
        from dbt.context.macro_resolver import TestMacroNamespace
        from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
        from dbt.context.manifest import ManifestContext
        from dbt_common.clients.jinja import BaseMacroGenerator, CallableMacroGenerator
    except ImportError:
        yield
        return
    generators = (MacroGenerator, CallableMacroGenerator, BaseMacroGenerator)
    of_builder = ("build_namespace", "add_macros", "add_macro", "_add_macro_to")
    parts = [each.__init__ for each in generators]
    parts += [getattr(MacroNamespaceBuilder, name, None) for name in of_builder]
    if not are_known(*parts, MacroNamespace, ManifestContext.to_dict):
        yield
        return

    def callables(macros: Mapping[str, Any], context: Any, node: Any, stack: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, macro in macros.items():
            # What its constructors do, without three function calls.
            made[name] = function = MacroGenerator.__new__(MacroGenerator)
            function.context = context
            function.macro = macro
            function.node = node
            function.stack = stack
        return made

    def build_namespace(
        self: Any, macros_by_package: Mapping[str, Mapping[str, Any]], ctx: Any
    ) -> Any:
        for package, macros in macros_by_package.items():
            made = callables(macros, ctx, self.node, self.thread_ctx)
            if package in self.internal_package_names:
                self.internal_packages[package] = made
                continue
            self.packages[package] = made
            if package == self.search_package:
                self.locals.update(made)
            elif package == self.root_package:
                self.globals.update(made)
        of_dbt: dict[str, Any] = {}
        for package in reversed(self.internal_package_names_order):
            of_dbt.update(self.internal_packages.get(package, {}))
        return MacroNamespace(
            global_namespace=self.globals,
            local_namespace=self.locals,
            global_project_namespace=of_dbt,
            packages=self.packages,
        )

    def to_dict(self: Any) -> Any:
        context = super(ManifestContext, self).to_dict()
        if isinstance(self.namespace, TestMacroNamespace):
            context.update(self.namespace.local_namespace)
            context.update(self.namespace.project_namespace)
        elif type(self.namespace) is MacroNamespace:
            # The first macro of a name wins.
            for macros in reversed([*self.namespace._search_order()]):
                context.update(macros)
        else:
            context.update(self.namespace)
        return context

    with (
        replaced(MacroNamespaceBuilder, "build_namespace", build_namespace),
        replaced(ManifestContext, "to_dict", to_dict),
    ):
        yield


@contextmanager
def _modules() -> Iterator[None]:
    """Create the tables of `modules` once; each context still gets its own copy."""
    try:
        from dbt.context import base
        from dbt.context.base import get_context_modules
    except ImportError:
        yield
        return
    if not are_known(get_context_modules):
        yield
        return
    modules = get_context_modules()

    def copies() -> dict[str, dict[str, Any]]:
        return {name: dict(members) for name, members in modules.items()}

    with replaced(base, "get_context_modules", copies):
        yield
