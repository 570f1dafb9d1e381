"""What a running campaign looks like: a few lines on stderr, kept up to date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from bpfsmt.cli.fuzz_text import share
from bpfsmt.fuzz.campaign import Campaign, Plan


@contextmanager
def watching(plan: Plan) -> Iterator[Callable[[Campaign], None]]:
    """Gives a function that is told when something has changed; silent without a terminal."""
    err = Console(stderr=True)
    if not err.is_terminal:
        yield lambda campaign: None
        return
    with Live(console=err, transient=True, auto_refresh=False) as live:
        yield lambda campaign: live.update(_picture(campaign), refresh=True)


def _picture(campaign: Campaign) -> Table:
    table = Table.grid(padding=(0, 2))
    goal = campaign.plan.batches
    spent = f"{campaign.elapsed:.0f} s"
    if campaign.plan.seconds is not None:
        spent += f" of {campaign.plan.seconds:.0f}"
    rate = campaign.here / campaign.elapsed if campaign.elapsed else 0.0
    table.add_row("campaign", spent, f"{rate:.1f} programs/s", f"{len(campaign.small)} findings")
    for spec, counts in campaign.counts.items():
        of = "" if goal is None else f" of {goal * campaign.plan.settings.size}"
        table.add_row(spec, f"{counts['programs']}{of} programs", f"{share(counts)} accepted",
                      _oracles(counts))  # fmt: skip
    return table


def _oracles(counts: Counter[str]) -> str:
    asked = (("runs", "runs"), ("steps", "steps"), ("z3 programs", "by Z3"),
             ("kernel loads", "loads"), ("kernel runs", "test runs"))  # fmt: skip
    return ", ".join(f"{counts[name]} {word}" for name, word in asked if counts[name])
