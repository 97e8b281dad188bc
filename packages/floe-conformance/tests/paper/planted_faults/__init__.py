"""Plugins each broken in one way; `caught_by` is the one check that must fail with it."""

from paper_orchestrator import PaperPlugin

from planted_faults import (  # noqa: F401 - importing them defines them
    alerts,
    connection,
    dev,
    environments,
    folders,
    freshness,
    graph,
    helm_values,
    jobs,
    lateness,
    lineage,
    ownership,
    partitions,
    pools,
    ports,
    registration,
    resources,
    reuse,
    run_history,
    runs,
    scheduling,
    transforms,
)

FAULTS = [each for each in PaperPlugin.__subclasses__() if hasattr(each, "caught_by")]
