"""What a running campaign looks like: a few lines on stderr, kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bpfsmt.cli.boundary import clean
from bpfsmt.cli.fuzz_text import add_columns, asked, cells
from bpfsmt.fuzz.campaign import Campaign, Plan


@contextmanager
def watching(plan: Plan) -> Iterator[Callable[[Campaign], None]]:
    """Gives a function that is told when something has changed; silent without a terminal."""
    err = Console(stderr=True)
    if not err.is_terminal:
        yield lambda campaign: None
        return
    with Live(console=err, transient=True, auto_refresh=False) as live:
        yield lambda campaign: live.update(picture(campaign, err.width), refresh=True)


def picture(campaign: Campaign, width: int) -> RenderableType:
    """A line on the whole, and two for each rule set; none is longer than the terminal is wide."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    add_columns(table, width)
    goal, size = campaign.plan.batches, campaign.plan.settings.size
    of = "" if goal is None else f"/{goal * size}"
    lines: list[RenderableType] = [_line(_whole(campaign)), table]
    for spec, counts in campaign.counts.items():
        table.add_row(*cells(spec, counts, campaign.reached[spec], campaign.found(spec), of))
        lines.append(_line(f"{clean(spec)}: {asked(counts)}"))
    return Group(*lines)


def _line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def _whole(campaign: Campaign) -> str:
    """How long, how fast, and what is being done when no new batch is begun."""
    spent = f"{campaign.elapsed:.0f} s"
    seconds = campaign.plan.seconds
    if seconds is not None:
        spent += f" of {seconds:.0f}"
    rate = campaign.here / campaign.elapsed if campaign.elapsed else 0.0
    parts = [spent, f"{rate:.1f} programs/s"]
    if campaign.waiting:
        parts.append(f"{campaign.waiting} to be made small")
    if seconds is not None and campaign.elapsed >= seconds:
        parts.append("finishing")
    return "campaign  " + "  ".join(parts)
