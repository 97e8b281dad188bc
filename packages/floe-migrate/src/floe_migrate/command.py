"""`floe migrate`: move a live product from one orchestrator to another."""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from floe_core.cli.console import notice, print_json, stdout
from floe_core.cli.options import (
    Env,
    Json,
    Product,
    check_installed,
    installed_orchestrators,
    job_names,
)
from floe_core.foundation.errors import UsageError

if TYPE_CHECKING:
    from floe_migrate.moving.mover import Mover
    from floe_migrate.moving.records import Records
    from floe_migrate.sides.chosen_sides import Sides

WOULD_LOSE = 1

app = typer.Typer(
    name="migrate",
    help="Move a live product from one orchestrator to another: each tick runs exactly once.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _check_side(name: str | None) -> str | None:
    """Check the name of an orchestrator, also before the name of one of its schedules."""
    check_installed(name and name.partition(":")[0])
    return name


To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="NAME",
        help="The orchestrator that the product moves to.",
        autocompletion=installed_orchestrators,
        callback=_check_side,
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="The orchestrator that has it, or a schedule that floe does not manage: "
        "airflow:DAG_ID, dagster:SCHEDULE, prefect:FLOW/DEPLOYMENT. Default: the owner by the "
        "records, or else the orchestrator that the folder is compiled for.",
        autocompletion=installed_orchestrators,
        callback=_check_side,
    ),
]
Jobs = Annotated[
    list[str] | None,
    typer.Option(
        "--job",
        metavar="JOB",
        help="A job instead of all that start by themselves.",
        autocompletion=job_names,
    ),
]
Access = Annotated[
    list[Path] | None,
    typer.Option(
        "--access",
        metavar="MANIFEST",
        help="A manifest.yaml that says how to reach the other orchestrator, with its url and the "
        "same schedule_store; may be given more than once.",
    ),
]
Margin = Annotated[
    int, typer.Option(min=1, help="Seconds until the first tick of the other side, at least.")
]
Accept = Annotated[
    list[str] | None,
    typer.Option(metavar="CODE", help="A finding that is known; may be given more than once."),
]
Timeout = Annotated[
    int, typer.Option(min=0, help="Seconds to wait for runs in progress and ticks that are due.")
]


@app.command()
def plan(
    to: To,
    product: Product = Path(),
    from_: From = None,
    job: Jobs = None,
    access: Access = None,
    parity: Annotated[
        bool, typer.Option(help="Also run the product on both orchestrators and compare.")
    ] = True,
    accept: Accept = None,
    env: Env = None,
    as_json: Json = False,
) -> None:
    """Show what a move would lose, and what is unknown; change nothing.

    Exits 1 if something would be lost or is unknown, and is not accepted by its code.
    """
    from floe_migrate.planning.plan import plan_move
    from floe_migrate.shown import plan_as_data, print_plan

    sides = _sides(product, access)
    names = _choose(sides, from_, to)
    jobs = _jobs(sides, job)
    _check_one_job(names, jobs)
    found = plan_move(sides, product, names, jobs, with_parity=parity)
    accepted = frozenset(accept or ())
    if as_json:
        print_json(plan_as_data(names, found, accepted))
    else:
        print_plan(names, found, accepted, stdout())
    raise typer.Exit(WOULD_LOSE if any(each.blocks(accepted) for each in found) else 0)


@app.command()
def apply(
    to: To,
    product: Product = Path(),
    from_: From = None,
    job: Jobs = None,
    access: Access = None,
    margin: Margin = 60,
    timeout: Timeout = 3600,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Also if the orchestrator that has it does not respond or starts no ticks: gives "
            "up to wait for its runs, which may still be writing. Ticks that it did not claim run "
            "on the other.",
        ),
    ] = False,
    accept: Accept = None,
    env: Env = None,
) -> None:
    """Move a product, step by step; called again, goes on from where it stands."""
    from floe_migrate.moving.rolling_back import apply_move

    sides = _sides(product, access)
    pair, jobs = _choose(sides, from_, to), _jobs(sides, job)
    mover = _mover(sides, pair, jobs, margin, accept)
    apply_move(mover, timeout, force=force)


@app.command()
def status(
    product: Product = Path(),
    job: Jobs = None,
    access: Access = None,
    release: Annotated[
        str,
        typer.Option(
            metavar="TICK",
            help="Release the claim of this tick of one job, whose run failed or is gone: the "
            "owner may then build it again.",
        ),
    ] = "",
    env: Env = None,
    as_json: Json = False,
) -> None:
    """Show who owns each job, a move under way, and the last claims with the states of their runs.

    A claim whose run is gone or failed stays, so that no other run builds its tick.
    """
    from floe_migrate.shown import print_states
    from floe_migrate.status import as_data, job_states

    sides = _sides(product, access)
    records, names = _records(sides), _jobs(sides, job)
    if release:
        _release(records, sides, names, release)
    states = job_states(records, sides, names)
    print_json(as_data(states)) if as_json else print_states(states, stdout())


@app.command()
def rollback(
    product: Product = Path(),
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="NAME",
            help="The orchestrator that had the product, if the move is over. Default: the one of "
            "the claims before it, or else the one that the folder is compiled for.",
            callback=_check_side,
        ),
    ] = None,
    job: Jobs = None,
    access: Access = None,
    margin: Margin = 60,
    timeout: Timeout = 3600,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Call off a move also if an orchestrator does not respond: the jobs that it gets "
            "back start nothing until it does. To move back, as for apply.",
        ),
    ] = False,
    accept: Accept = None,
    env: Env = None,
) -> None:
    """Call off a move that is under way, or move the product back."""
    from floe_migrate.moving.rolling_back import roll_back

    sides = _sides(product, access)
    records, names = _records(sides), _jobs(sides, job)
    roll_back(
        sides,
        records,
        names,
        to or "",
        lambda pair, jobs: _mover(sides, pair, jobs, margin, accept),
        _tell,
        seconds=timeout,
        force=force,
        accepts_gap="gap" in (accept or ()),
    )


@app.command()
def forget(
    product: Product = Path(),
    access: Access = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also if another orchestrator still has the product."),
    ] = False,
    env: Env = None,
) -> None:
    """Remove the records of owners: one orchestrator has the product again, and claims nothing.

    Refused while a move is under way, and while another orchestrator has the product, whose ticks
    would start runs as well.
    """
    from floe_migrate.moving.forgetting import forget_owners

    sides = _sides(product, access)
    forget_owners(sides, _records(sides), _tell, force=force)


def _tell(text: str) -> None:
    stdout().print(text, markup=False, soft_wrap=True)


def _sides(product: Path, access: list[Path] | None) -> Sides:
    from floe_migrate.sides.chosen_sides import Sides

    return Sides.read(product, access or [])


def _records(sides: Sides) -> Records:
    from floe_migrate.moving.records import Records

    return Records(sides.artifacts)


def _jobs(sides: Sides, chosen: list[str] | None) -> tuple[str, ...]:
    """Return the chosen jobs, or all that ticks or updates start, paused ones included."""
    records = _records(sides)
    if chosen:
        return tuple(records.job(name).name for name in chosen)
    jobs = [records.job(each.name) for each in sides.artifacts.jobs]
    found = tuple(each.name for each in jobs if each.schedule or each.trigger)
    if not found:
        what = f"no job of {sides.artifacts.product.name} starts by itself"
        raise UsageError(f"{what}, so there is nothing to move: run it on the other orchestrator")
    return found


def _choose(sides: Sides, source: str | None, target: str) -> tuple[str, str]:
    """Return the names of source and target.

    Raises:
        UsageError: They are the same, or share no store of schedules.
    """
    owners = {owner.orchestrator for owner in _records(sides).owners().values()} - {target}
    compiled = sides.artifacts.orchestrator.name
    found = source or (owners.pop() if len(owners) == 1 else compiled)
    if found == target:
        raise UsageError(
            f"{sides.artifacts.product.name} is compiled for {target} already; name the "
            "orchestrator that has it now with --from, and its manifest with --access"
        )
    return found, target


def _mover(
    sides: Sides,
    pair: tuple[str, str],
    jobs: tuple[str, ...],
    margin: int,
    accept: list[str] | None,
) -> Mover:
    from floe_migrate.planning.chosen_move import mover_between

    _check_one_job(pair, jobs)
    records = _records(sides)
    return mover_between(
        sides, records, pair, jobs, timedelta(seconds=margin), _tell, frozenset(accept or ())
    )


def _check_one_job(pair: tuple[str, str], jobs: tuple[str, ...]) -> None:
    from floe_migrate.sides.side import is_unmanaged

    unmanaged = [name for name in pair if is_unmanaged(name)]
    if len(unmanaged) > 1:
        raise UsageError(f"floe manages neither {pair[0]} nor {pair[1]}; name an orchestrator")
    if unmanaged and len(jobs) > 1:
        what = f"{unmanaged[0]} stands for one job: give --job, one of"
        raise UsageError(f"{what} {', '.join(jobs)}")


def _release(records: Records, sides: Sides, names: tuple[str, ...], text: str) -> None:
    from floe_core.cli.moments import read_moment
    from floe_migrate.status import release_claim

    if len(names) > 1:
        raise UsageError(f"--release is for one job: give --job, one of {', '.join(names)}")
    tick = read_moment(text, "--release").astimezone(UTC)
    claim = release_claim(records, sides, names[0], tick)
    notice(f"released the tick {tick.isoformat()} from run {claim.run} on {claim.orchestrator}")
