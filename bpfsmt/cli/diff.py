"""``bpfsmt diff``: two rule sets side by side, rule by rule."""

from __future__ import annotations

import json
import time

import click
from rich.console import Console

from bpfsmt.cli.boundary import EXIT_PROVED, EXIT_REFUTED, EXIT_UNKNOWN
from bpfsmt.cli.common import Seconds, json_option, no_cache_option
from bpfsmt.cli.diff_text import diff_json, diff_table, seen_lines, summary
from bpfsmt.cli.progress import counting
from bpfsmt.precision.compare import Comparer, Comparison, common, compare
from bpfsmt.precision.memory import Memory, default_path
from bpfsmt.rules import RuleSet, RuleSetError, load_rules


@click.command()
@click.option(
    "--rules", "-r", "specs", multiple=True, required=True, metavar="NAME|FILE.py",
    help="A rule set, by name or file; give two: A and B.",
)  # fmt: skip
@click.option("--rule", "-o", "about", multiple=True, metavar="RULE", help="Only these rules.")
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Processes; as many as cores.")
@click.option(
    "--timeout", type=Seconds(), default=20.0, show_default=True,
    help="Seconds for one formula before it is unknown.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Also the rules whose text is the same.")
@no_cache_option
@json_option
def diff(
    specs: tuple[str, ...],
    about: tuple[str, ...],
    jobs: int | None,
    timeout: float,
    every: bool,
    no_cache: bool,
    as_json: bool,
) -> int:
    """Which of two rule sets says more: each rule equal, tighter in A or B, or incomparable.

    Equal and tighter are proved; every difference is shown by an example, run on ints.

    Exit code 0: all equal; 1: some rule differs; 3: none is seen to differ, but one is unknown.
    """
    if len(specs) != 2:
        raise click.UsageError("two rule sets, please: --rules A --rules B")
    left, right = map(load_rules, specs)
    names = _names(left, right, about)
    start = time.perf_counter()
    memory = None if no_cache else Memory(default_path())
    found = _compared(Comparer(left, right, timeout), names, jobs, memory)
    seconds = time.perf_counter() - start
    if as_json:
        click.echo(json.dumps(diff_json(left, right, found, seconds), indent=2))
    else:
        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = 150
        console.print(diff_table(found, every or bool(about)))
        for line in seen_lines(found):
            console.print(line, markup=False, soft_wrap=True)
        for line in summary(left, right, found, seconds):
            console.print(line, markup=False, soft_wrap=True)
    return _code(found)


def _names(left: RuleSet, right: RuleSet, about: tuple[str, ...]) -> list[str]:
    both = common(left, right)
    for name in about:
        if name not in both:
            raise RuleSetError(f"{left.name} and {right.name} have no common rule {name!r}")
    return [n for n in both if not about or n in about]


def _compared(
    comparer: Comparer, names: list[str], jobs: int | None, memory: Memory | None
) -> list[Comparison]:
    found: list[Comparison] = []
    with counting(f"{comparer.left.name}, {comparer.right.name}", len(names)) as count:
        for one in compare(comparer, names, jobs, memory):
            found.append(one)
            count([one.verdict])
    return sorted(found, key=lambda c: names.index(c.rule))


def _code(found: list[Comparison]) -> int:
    if any(c.examples or c.verdict == "incomparable" for c in found):
        return EXIT_REFUTED
    proved = all(c.verdict == "equal" for c in found)
    return EXIT_PROVED if proved else EXIT_UNKNOWN
