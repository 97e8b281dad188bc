"""All proofs of an import, added to its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from floe_import.product.products import Product
from floe_import.proof.proofs import prove_definitions, prove_product
from floe_import.report.findings import Place, finding_of
from floe_import.report.import_report import ImportReport


def prove_import(report: ImportReport, products: Sequence[Product], python: str) -> None:
    """Add to the report what each proof says."""
    for product in products:
        report.findings += prove_product(product, python)
    for old, new in report.definitions:
        for what, verdict in prove_definitions(Path(old), Path(new), python):
            report.findings.append(finding_of("PRV201", what, Place(old), verdict))
