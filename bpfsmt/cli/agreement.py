"""What ``agree`` and ``selftests`` share: progress, tables, exit codes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bpfsmt.agree.causes import cited
from bpfsmt.agree.compare import Agreement
from bpfsmt.agree.pool import Answer
from bpfsmt.agree.relation import Relation
from bpfsmt.agree.saved import Saved, Wanted, default_path
from bpfsmt.agree.score import Group, Score, percent
from bpfsmt.cli.boundary import EXIT_INPUT, EXIT_INTERRUPTED, EXIT_REFUTED, EXIT_UNKNOWN, clean
from bpfsmt.errors import BpfsmtError
from bpfsmt.kernel.oracle import Oracle
from bpfsmt.rules import RuleSet

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_CAUSES = 15
"""So many kinds of differences between states are shown; --json has all."""

_NAMES = 3
"""Of each cause, so many programs are named; --json and --all name all."""


def agreement_options(command: F) -> F:
    """The options of both commands."""
    for option in (
        click.option("--jobs", "-j", type=click.IntRange(1, 512), default=None,
                     help="How many processes.  [default: one for each CPU]"),
        click.option("--no-cache", is_flag=True,
                     help="Ask and compare all again; what was compared before is kept otherwise."),
        click.option("--strict", is_flag=True,
                     help="Any other reason, or unexplained difference of states, counts, too."),
        click.option("--all", "every", is_flag=True, help="Name every program of each cause."),
        click.option("--oracle", "oracle_name", default="kernel", show_default=True,
                     metavar="kernel|vm:RELEASE", help="The kernel to agree with."),
        click.option("--rules", "-r", default=None, metavar="NAME|FILE.py",
                     help="The rule set.  [default: that of the kernel's release]"),
    ):  # fmt: skip
        command = option(command)
    return command


def open_saved(
    oracle: Oracle, rules: RuleSet, no_cache: bool, wanted: Wanted = lambda index: None
) -> Saved | None:
    """What was compared before; `None` if that is not to be used.

    Raises `BpfsmtError` if the file cannot be used.
    """
    if no_cache:
        return None
    try:
        return Saved(default_path(), oracle, rules, wanted)
    except (OSError, sqlite3.Error) as error:
        raise BpfsmtError(f"{default_path()}: {error}; use --no-cache") from None


def finished(seconds: float, saved: Saved | None) -> str:
    """How long it took, and how much of it was there before."""
    used = f" ({saved.used} from an earlier run)" if saved is not None and saved.used else ""
    return f"{seconds:.1f} s{used}"


def processes(jobs: int | None) -> int:
    """How many workers."""
    return jobs or os.cpu_count() or 1


def progress(items: Iterator[T], total: int, what: str) -> Iterator[T]:
    """The items, with a bar on stderr."""
    err = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as shown:
        task = shown.add_task("", total=total)
        for item in items:
            shown.update(task, advance=1)
            yield item


def show_score(score: Score, out: Console) -> None:
    """The counts, a line each."""
    states = score.states
    differ = states.total != states.equal
    rows = [
        ("verdict agreement", percent(score.count(Agreement.SAME), score.total)),
        *(
            (f"  {each.value}", str(score.count(each)))
            for each in Agreement
            if each is not Agreement.SAME and score.count(each)
        ),
        *([("  no comparison", str(len(score.lost)))] if score.lost else []),
        ("accepted against memory safety", str(len(score.unsafe))),
        ("rejected at the same instruction", percent(*score.ratio("same_pc"))),
        ("rejected for the same kind of reason", percent(*score.ratio("same_kind"))),
        ("same number of instructions walked", percent(*score.same_walk)),
        ("walked by both on the same paths", percent(states.aligned, states.walked)),
        ("states equal there (registers printed)", percent(states.equal, states.total)),
        *(
            (f"  {each.value}", percent(states.pairs[each], states.total))
            for each in Relation
            if each is not Relation.EQUAL and states.pairs[each]
        ),
        *([("  differences explained", str(states.explained.total()))] if states.explained else []),
        *([("  differences unexplained", str(states.unexplained))] if differ else []),
        *([("  not read", str(states.unread))] if states.unread else []),
    ]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    for row in rows:
        table.add_row(*row)
    out.print(table)


def show_causes(groups: list[Group], out: Console, *, every: bool) -> None:
    """The disagreements by cause, the largest first."""
    if not groups:
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("n", justify="right")
    table.add_column("cause", overflow="fold")
    table.add_column("programs", overflow="fold")
    for group in groups:
        names = group.names if every else group.names[:_NAMES]
        more = len(group.names) - len(names)
        shown = ", ".join(names) + (f" and {more} more" if more else "")
        table.add_row(str(len(group.names)), Text(clean(group.cause)), Text(clean(shown)))
    out.print(table)


def show_differences(score: Score, out: Console) -> None:
    """Where states differ, by instruction, the most frequent first."""
    causes = score.states.causes.most_common(_CAUSES)
    if not causes:
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("n", justify="right")
    table.add_column("difference of states", overflow="fold")
    table.add_column("first", overflow="fold")
    for cause, n in causes:
        table.add_row(str(n), Text(clean(cause)), Text(clean(_example(score, cause))))
    out.print(table)


def show_explained(score: Score, out: Console) -> None:
    """The causes that are known of differences between states, and what they rest on."""
    for name, n in score.states.explained.most_common():
        out.print(Text(f"{n} explained: {name} ({cited(name)})"))


def _example(score: Score, cause: str) -> str:
    """The first difference of that cause: where it is, and what both say."""
    for each in score.compared:
        for pair in each.states.told if each.states else ():
            if pair.cause == cause:
                what = f"{pair.place}: ours {pair.ours}; kernel {pair.kernel}"
                return f"{each.name} at {pair.pc}: {what}"
    return ""


def codes_of(score: Score, *, errors: bool, interrupted: bool, strict: bool) -> set[int]:
    """The exit codes: 1 for a disagreement, 3 for what is not supported or not compared.

    ``strict`` counts differences of reasons, and those of states that are not explained, as
    disagreements.
    """
    codes = {EXIT_INPUT} if errors else set()
    if interrupted:
        codes.add(EXIT_INTERRUPTED)
    different = (Agreement.FALSE_ACCEPT, Agreement.FALSE_REJECT, Agreement.FAILED)
    states = score.states
    if any(score.count(each) for each in different) or (
        strict and (score.groups() or states.unexplained)
    ):
        codes.add(EXIT_REFUTED)
    if score.count(Agreement.UNSUPPORTED) or score.lost or not score.compared:
        codes.add(EXIT_UNKNOWN)
    return codes


def first_bug(answers: list[Answer]) -> str:
    """The traceback of the first failure of our verifier, "" if there is none."""
    return next((answer.bug for answer in answers if answer.bug), "")
