"""What ``bpfsmt generate`` prints: rates, coverage, what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bpfsmt.agree.score import percent
from bpfsmt.cli.boundary import clean
from bpfsmt.domain.analysis import Outcome

if TYPE_CHECKING:
    from bpfsmt.cli.generate import Kernel
    from bpfsmt.generate.coverage import Coverage

_NAMES = {
    "instructions": "kinds of instructions",
    "rules": "rules that ran",
    "outcomes": "outcomes of conditions in rules",
}


def show(
    coverage: Coverage,
    out: Console,
    *,
    kernel: Kernel | None,
    maker: str,
    seconds: float,
    missing: bool,
) -> None:
    """Print a line for each measure, and a last one with how long it took."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    for row in _rows(coverage, kernel):
        table.add_row(*row)
    out.print(table)
    if kernel is not None:
        for name, cause in kernel.different.items():
            out.print(clean(f"differs {name}: {cause}"), soft_wrap=True)
    if missing:
        _show_missing(coverage, out)
    n = coverage.programs
    rate = f"{n / seconds:.1f} a second" if seconds else ""
    out.print(
        f"{n} programs ({maker}) with {coverage.rules.name}; {seconds:.1f} s, {rate}",
        soft_wrap=True,
    )


def _rows(coverage: Coverage, kernel: Kernel | None) -> list[tuple[str, str]]:
    n = coverage.programs
    states, numbers = coverage.per_thousand
    reasons = coverage.reasons.most_common()
    return [
        ("accepted", percent(coverage.verdicts[Outcome.ACCEPT.value], n)),
        *((f"  not: {clean(kind)}", str(count)) for kind, count in reasons),
        *([(f"accepted by Linux {kernel.oracle.release}", percent(kernel.accepted, kernel.asked)),
           ("verdicts the same there",
            percent(kernel.asked - len(kernel.different), kernel.asked))] if kernel else []),
        *((_NAMES[name], percent(a, b)) for name, (a, b) in coverage.shares().items()),
        ("distinct states for 1000 programs", f"{states:.0f}"),
        ("distinct knowledge of numbers for 1000", f"{numbers:.0f}"),
    ]  # fmt: skip


def _show_missing(coverage: Coverage, out: Console) -> None:
    for kind in coverage.missing_kinds():
        out.print(f"no instruction: {kind}", soft_wrap=True)
    for name in coverage.idle_rules():
        out.print(f"never ran: {name}", soft_wrap=True)
    for condition, outcome in coverage.missing_outcomes(ran=True):
        where = f"{condition.rule}, line {condition.line}"
        out.print(f"never {str(outcome).lower()}: {where}: {condition.text}", soft_wrap=True)


def differences_json(kernel: Kernel | None) -> dict[str, Any] | None:
    """What a kernel said, as plain data."""
    if kernel is None:
        return None
    return {
        "release": kernel.oracle.release,
        "asked": kernel.asked,
        "accepted": kernel.accepted,
        "different": dict(kernel.different),
    }
