"""``bpfsmt diff``: two rule sets rule by rule, or two verifiers program by program."""

from __future__ import annotations

import json
import time

import click
from rich.console import Console

from bpfsmt.cli.agreement import processes
from bpfsmt.cli.boundary import EXIT_PROVED, EXIT_REFUTED, EXIT_UNKNOWN, worst
from bpfsmt.cli.common import Seconds, json_option, no_cache_option, type_option
from bpfsmt.cli.corpus import Found, level_option, named_programs, side_options, sides
from bpfsmt.cli.corpus_text import show, to_json
from bpfsmt.cli.diff_text import diff_json, diff_table, seen_lines, summary
from bpfsmt.cli.progress import counting
from bpfsmt.cli.tables import console
from bpfsmt.corpus.work import run_diff
from bpfsmt.precision.compare import Comparer, Comparison, common, compare
from bpfsmt.precision.memory import Memory, default_path
from bpfsmt.rules import RuleSet, RuleSetError, load_rules


@click.command()
@click.argument("files", nargs=-1, metavar="[CORPUS...]")
@side_options
@click.option("--rule", "-o", "about", multiple=True, metavar="RULE", help="Only these rules.")
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Processes; as many as cores.")
@click.option(
    "--timeout", type=Seconds(), default=20.0, show_default=True,
    help="Seconds of processor time for one formula before it is unknown.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Also what is the same.")
@type_option
@level_option
@no_cache_option
@json_option
def diff(
    files: tuple[str, ...],
    specs: tuple[str, ...],
    oracles: tuple[str, ...],
    about: tuple[str, ...],
    jobs: int | None,
    timeout: float,
    every: bool,
    kind: str,
    level: str,
    no_cache: bool,
    as_json: bool,
) -> int:
    """Two verifiers A and B, the first and the second of --rules and --oracle.

    Without CORPUS, two rule sets are compared rule by rule (--rule, --timeout): each equal,
    tighter in A or B, or incomparable.  Equal and tighter are proved; every difference is
    shown by an example, run on ints.

    With files or folders of programs, A and B verify each: do verdicts, reasons, states and
    the number of walked instructions differ (--fail-on), and where do the walks part?

    Exit code 0: no difference; 1: something differs; 2: bad usage or input; 3: none is seen
    to differ, but something is unknown.
    """
    if files:
        if about:
            raise click.UsageError("--rule is about rules, CORPUS about programs: not both")
        return _programs(files, kind, level, processes(jobs), every, as_json)
    if oracles or len(specs) != 2:
        raise click.UsageError("two rule sets, please: --rules A --rules B; or give programs")
    return _rules(specs, about, jobs, timeout, every, no_cache, as_json)


def _programs(
    files: tuple[str, ...], kind: str, level: str, jobs: int, every: bool, as_json: bool
) -> int:
    """Program by program."""
    start = time.perf_counter()
    a, b = sides(2, "two of --rules and --oracle, please: the first is A, the second B")
    found = Found(level)
    programs = named_programs(files, kind, found.errors)
    found.collect(run_diff(programs, a, b, jobs), f"{a.name}, {b.name}")
    seconds, names = time.perf_counter() - start, (a.name, b.name)
    if as_json:
        click.echo(json.dumps(to_json(found, names, seconds), indent=2))
    else:
        show(found, console(), names, seconds, every)
    found.complain()
    return worst(found.codes())


def _rules(
    specs: tuple[str, ...],
    about: tuple[str, ...],
    jobs: int | None,
    timeout: float,
    every: bool,
    no_cache: bool,
    as_json: bool,
) -> int:
    """Rule by rule."""
    left, right = map(load_rules, specs)
    names = _names(left, right, about)
    start = time.perf_counter()
    memory = None if no_cache else Memory(default_path())
    found = _compared(Comparer(left, right, timeout), names, jobs, memory)
    seconds = time.perf_counter() - start
    if as_json:
        click.echo(json.dumps(diff_json(left, right, found, seconds), indent=2))
    else:
        out = Console(highlight=False)
        if not out.is_terminal:
            out.width = 150
        out.print(diff_table(found, every or bool(about)))
        for line in seen_lines(found):
            out.print(line, markup=False, soft_wrap=True)
        for line in summary(left, right, found, seconds):
            out.print(line, markup=False, soft_wrap=True)
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
