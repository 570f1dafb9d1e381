"""``bpfsmt precision``: how much sound rules say, against the most that can be said."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable

import click
from rich.console import Console

from bpfsmt.cli.boundary import EXIT_PROVED, EXIT_REFUTED, EXIT_UNKNOWN
from bpfsmt.cli.common import Seconds, json_option, no_cache_option
from bpfsmt.cli.precision_text import (
    asked_json,
    example_lines,
    precision_table,
    products_table,
    round_json,
    summary,
)
from bpfsmt.cli.progress import counting
from bpfsmt.precision.memory import Memory, default_path
from bpfsmt.precision.optimal import Limits
from bpfsmt.precision.run import Asked, Options, ask, chosen
from bpfsmt.rules import RuleSet, RuleSetError, load_rules

DEFAULT = "linux-6.12"
STEPS = 100
PRODUCTS = ("xdp-paper-hma", "linux-6.12", "linux-6.18")


@click.command()
@click.argument("about", nargs=-1, metavar="[RULE]...")
@click.option(
    "--rules", "-r", "specs", multiple=True, metavar="NAME|FILE.py",
    help=f"The rule set; with --products those to compare.  [default: {DEFAULT}]",
)  # fmt: skip
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Processes; as many as cores.")
@click.option(
    "--timeout", type=Seconds(), default=60.0, show_default=True,
    help="Seconds of processor time for the proof of one part before it is unknown.",
)  # fmt: skip
@click.option(
    "--search", type=Seconds(), default=20.0, show_default=True,
    help="Seconds of processor time to look for a small example of one part.",
)  # fmt: skip
@click.option(
    "--width", type=click.IntRange(0, 8), default=3, show_default=True,
    help="Measure over all operands of so many bits; with --products over all up to these.",
)  # fmt: skip
@click.option("--count", type=click.IntRange(0, 10**7), default=200, show_default=True,
              help="Measure over so many drawn cases of 64 bits.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Where drawing starts.")
@click.option("--products", is_flag=True, help="Compare the tnum_mul of several rule sets.")
@click.option("--examples", is_flag=True, help="Print the example of every part.")
@no_cache_option
@json_option
def precision(
    about: tuple[str, ...],
    specs: tuple[str, ...],
    jobs: int | None,
    timeout: float,
    search: float,
    width: int,
    count: int,
    seed: int,
    products: bool,
    examples: bool,
    no_cache: bool,
    as_json: bool,
) -> int:
    """Is a rule's result the best there is, in each of its parts?

    Exit code 0: every question answered; 1: a result is not even sound; 3: something unknown.
    """
    if products:
        return _products(specs or PRODUCTS, width, count, seed, as_json)
    if len(specs) > 1:
        raise click.UsageError("one rule set at a time, but for --products")
    rules = load_rules(specs[0] if specs else DEFAULT)
    _check_names(rules, about)
    options = Options(Limits(search, timeout), width, seed, count)
    start = time.perf_counter()
    asked = _ask(rules, about, options, jobs, None if no_cache else Memory(default_path()))
    seconds = time.perf_counter() - start
    if as_json:
        click.echo(json.dumps(asked_json(rules, asked, options, seconds), indent=2))
    else:
        console = _console()
        console.print(precision_table(asked))
        if examples or about:
            for line in example_lines(asked):
                console.print(line, markup=False, soft_wrap=True)
        console.print(summary(rules, asked, options, seconds), markup=False, soft_wrap=True)
    return _code(asked)


def _check_names(rules: RuleSet, about: tuple[str, ...]) -> None:
    known = {o.rule for o in chosen(rules, ())}
    for name in about:
        if name not in known:
            raise RuleSetError(f"{rules.name}: nothing is known of how precise {name!r} can be")


def _ask(
    rules: RuleSet,
    about: tuple[str, ...],
    options: Options,
    jobs: int | None,
    memory: Memory | None,
) -> list[Asked]:
    order = {o.name: i for i, o in enumerate(chosen(rules, about))}
    asked: list[Asked] = []
    with counting(rules.name, len(order)) as count:
        for one in ask(rules, about, options, jobs, memory):
            asked.append(one)
            count(a.verdict for a in one.answers)
    return sorted(asked, key=lambda a: order[a.operation])


def _code(asked: list[Asked]) -> int:
    verdicts = {a.verdict for one in asked for a in one.answers}
    if "not sound" in verdicts:
        return EXIT_REFUTED
    return EXIT_UNKNOWN if "unknown" in verdicts else EXIT_PROVED


def _products(specs: tuple[str, ...], width: int, count: int, seed: int, as_json: bool) -> int:
    """The ``tnum_mul`` of the rule sets side by side, and beside the best."""
    from bpfsmt.precision import generations

    sets = {spec: load_rules(spec) for spec in specs}
    if len(sets) < 2:
        raise click.UsageError("--products compares two rule sets or more")
    of = generations.products(sets)
    rounds = []
    for n in range(1, width + 1):
        with counting(f"products of {n} bits", STEPS) as step:
            rounds.append(generations.exhaustive(of, n, _by_steps(step)))
    if count:
        rounds.append(generations.drawn(of, seed, count))
        few = generations.FEW_UNKNOWN
        rounds.append(generations.drawn_few(of, seed, min(count, generations.MOST), few))
    if as_json:
        click.echo(json.dumps([round_json(r) for r in rounds], indent=2))
    else:
        console = _console()
        for r in rounds:
            console.print(products_table(r))
    return EXIT_PROVED


def _by_steps(step: Callable[[Iterable[str]], None]) -> Callable[[float], None]:
    """Takes shares of the whole and counts the steps that they make."""
    done = 0

    def progress(share: float) -> None:
        nonlocal done
        while done < int(share * STEPS):
            step(())
            done += 1

    return progress


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 150
    return console
