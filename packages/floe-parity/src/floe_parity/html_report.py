"""The parity report as one self-contained HTML page."""

from __future__ import annotations

from html import escape
from string import Template

from floe_core.cli.console import count_of
from floe_core.runs.build_events import NodeResult
from floe_parity.comparison import Comparison, NodeComparison
from floe_parity.sides.side import Side

PAGE = Template("""\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title><style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
  color: #1c2430; background: #fff }
h1 { font-size: 1.5rem; margin-bottom: 0 } .sub { color: #667; margin-top: .2rem }
.verdict { padding: .8rem 1rem; border-radius: .5rem; font-size: 1.15rem; font-weight: 600 }
.equal { background: #e6f4ea; color: #14532d } .differs { background: #fdecea; color: #8b1a10 }
table { border-collapse: collapse; width: 100%; font-size: .93rem } caption { text-align: left }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #e4e7ec }
.number { text-align: right; font-variant-numeric: tabular-nums } small { color: #778 }
.bad { color: #b42318; font-weight: 600 } .good { color: #157f3d }
</style></head><body>
<h1>$product</h1><p class="sub">$description</p>
<p class="verdict $kind">$verdict</p>
<table><tr><th>Run</th><th>Status</th><th class=number>Seconds</th>
<th class=number>Lineage events</th>
<th>Ticks of a year</th><th>Retries after seconds</th></tr>$runs</table>
$differences
<h2>Nodes</h2>
<table><tr><th>Node</th><th>Type</th>$names
<th class=number>Rows</th><th>Equal</th></tr>
$nodes</table>
</body></html>
""")


def html_report(comparison: Comparison) -> str:
    """Return the page: the verdict, every run, the differences, and every node."""
    product = comparison.sides[0].artifacts.product
    names = _names(comparison)
    return PAGE.substitute(
        title=escape(f"{product.name} on {names}"),
        product=escape(f"{product.name} {product.version}"),
        description=escape(product.description),
        kind="equal" if comparison.is_equal else "differs",
        verdict=escape(_verdict(comparison)),
        runs="".join(_run(side) for side in comparison.sides),
        differences=_differences(comparison),
        names="".join(f"<th>{escape(side.name)}</th>" for side in comparison.sides),
        nodes="\n".join(_node(comparison, node) for node in comparison.nodes),
    )


def _names(comparison: Comparison) -> str:
    *names, last = (side.name for side in comparison.sides)
    return f"{', '.join(names)} and {last}"


def _verdict(comparison: Comparison) -> str:
    names = _names(comparison)
    if not comparison.is_equal:
        return f"Not the same on {names}"
    failed = "" if comparison.has_succeeded else ", and failed on each"
    return f"The same on {names}{failed}: {count_of(len(comparison.nodes), 'node')} compared"


def _run(side: Side) -> str:
    report = side.report
    return (
        f"<tr><td>{escape(side.name)} <small>{escape(report.run_id)}</small></td>"
        f"<td>{escape(report.status)}</td><td class=number>{report.seconds:.1f}</td>"
        f"<td class=number>{side.events.total()}</td>"
        f"<td>{escape(_ticks(side))}</td><td>{escape(_retries(side))}</td></tr>"
    )


def _ticks(side: Side) -> str:
    return ", ".join(f"{job}: {len(ticks):,}" for job, ticks in side.promises.ticks.items())


def _retries(side: Side) -> str:
    return ", ".join(
        f"{job}: {', '.join(f'{delay:g}' for delay in plan.delays) or 'none'}"
        for job, plan in side.promises.retries.items()
    )


def _differences(comparison: Comparison) -> str:
    items = "".join(f"<li class=bad>{escape(text)}</li>" for text in comparison.differences)
    return f"<h2>What differs beyond nodes</h2><ul>{items}</ul>" if items else ""


def _node(comparison: Comparison, node: NodeComparison) -> str:
    compiled = comparison.sides[0].artifacts.by_id.get(node.node_id)
    label = compiled.label if compiled else node.node_id
    kind = (compiled.materialization or compiled.resource_type) if compiled else ""
    equal = (
        f"<td class=bad>{escape('; '.join(node.differences))}</td>"
        if node.differences
        else "<td class=good>yes</td>"
    )
    outcomes = "".join(f"<td>{_outcome(result)}</td>" for result in node.results)
    rows = "" if node.rows is None else f"{node.rows:,}"
    return (
        f"<tr><td>{escape(label)}</td><td><small>{escape(kind)}</small></td>"
        f"{outcomes}<td class=number>{rows}</td>{equal}</tr>"
    )


def _outcome(result: NodeResult | None) -> str:
    if result is None:
        return "<span class=bad>absent</span>"
    shade = "good" if result.passed else "bad"
    return f"<span class={shade}>{result.status}</span> <small>{result.seconds:.2f} s</small>"
