"""``bpfsmt mutate``: does the prover notice when a rule is a little wrong?"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bpfsmt.cli.boundary import EXIT_INTERRUPTED, EXIT_PROVED, EXIT_UNKNOWN, complain
from bpfsmt.cli.common import Seconds, json_option
from bpfsmt.cli.mutate_text import mutation_json, show
from bpfsmt.mutation.baseline import Baseline
from bpfsmt.mutation.campaign import Judged, Plan, chosen, run
from bpfsmt.mutation.outcome import Limits, Outcome
from bpfsmt.mutation.store import Store
from bpfsmt.mutation.store import default_path as outcomes_path
from bpfsmt.prover.cache import Cache
from bpfsmt.prover.cache import default_path as proofs_path
from bpfsmt.prover.prove import prove
from bpfsmt.rules import RuleSet, RuleSetError, load_rules

DEFAULT = "linux-6.12-corrected"
"""All of it is proved, so there is no rule whose mutants nothing could be held to."""


@click.command()
@click.argument("about", nargs=-1, metavar="[RULE]...")
@click.option(
    "--rules", "-r", "spec", default=DEFAULT, show_default=True, metavar="NAME|FILE.py",
    help="The rule set, by name or file.",
)  # fmt: skip
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Only N mutants, drawn.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draw others.")
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Processes; as many as cores.")
@click.option(
    "--timeout", type=Seconds(), default=30.0, show_default=True,
    help="Seconds for one formula before it is unknown.",
)  # fmt: skip
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Keep outcomes here, not in the cache directory.",
)  # fmt: skip
@click.option("--no-cache", is_flag=True, help="Neither use nor keep earlier outcomes and proofs.")
@click.option("--all", "every", is_flag=True, help="One line for each mutant.")
@json_option
def mutate(
    about: tuple[str, ...],
    spec: str,
    sample: int | None,
    seed: int,
    jobs: int | None,
    timeout: float,
    save: Path | None,
    no_cache: bool,
    every: bool,
    as_json: bool,
) -> int:
    """Put small faults into rules, and see what the prover says of each.

    A mutant is refuted (by a counterexample that is run on ints), proved still sound (then it
    is said whether it is less precise than the original), or unknown.  What does not compile,
    or compiles to what is there already, is not counted.  Outcomes are kept as they come:
    after Ctrl-C, or if it is killed, the same command goes on.

    Exits with 0 if every mutant is decided, 2 for bad usage, 3 if something is unknown.
    """
    rules = load_rules(spec)
    _check_names(rules, about)
    limits = Limits(min(4.0, timeout), timeout)
    plan = Plan(about, sample, seed, jobs or os.cpu_count() or 1, limits)
    start = time.perf_counter()
    found, mutants = chosen(rules, plan)
    judged: list[Judged] = []
    baseline = Baseline(rules)
    interrupted = False
    store = Store(save or outcomes_path()) if save or not no_cache else None
    try:
        with _progress(rules.name) as progress:
            _prove_original(baseline, {m.rule for m in mutants}, plan, no_cache, spec, progress)
            proofs = None if no_cache else proofs_path()
            outcomes = run(baseline, mutants, plan, spec=spec, store=store, proofs=proofs)
            for one in _watched(outcomes, len(mutants), progress):
                judged.append(one)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if store is not None:
            store.close()
    order = {m: i for i, m in enumerate(mutants)}
    judged.sort(key=lambda j: order[j.outcome.mutant])
    seconds = time.perf_counter() - start
    if as_json:
        document = mutation_json(baseline, found, judged, plan, seconds, interrupted)
        click.echo(json.dumps(document, indent=2))
    else:
        show(baseline, found, judged, len(mutants), seconds, every)
    if interrupted:
        said = f"interrupted after {len(judged)} of {len(mutants)} mutants"
        complain(f"{said}; run it again to go on")
        return EXIT_INTERRUPTED
    return _code([j.outcome for j in judged])


def _check_names(rules: RuleSet, about: Sequence[str]) -> None:
    for name in about:
        if name not in rules.linked.rules:
            raise RuleSetError(f"{rules.name} has no rule {name!r}")


def _code(outcomes: Sequence[Outcome]) -> int:
    return EXIT_UNKNOWN if any(o.verdict == "unknown" for o in outcomes) else EXIT_PROVED


def _progress(name: str) -> Progress:
    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    err = Console(stderr=True)
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def _prove_original(
    baseline: Baseline, about: set[str], plan: Plan, no_cache: bool, spec: str, progress: Progress
) -> None:
    """The original's proofs, from the cache where they are known."""
    needed = baseline.needed(about)
    task = progress.add_task("proofs of the original", total=len(needed))
    cache = None if no_cache else Cache(proofs_path())
    try:
        for done in prove(baseline.rules, needed, jobs=plan.jobs, cache=cache, spec=spec):
            baseline.done[done.theorem] = done
            progress.update(task, advance=1)
    finally:
        if cache is not None:
            cache.close()
    progress.remove_task(task)


def _watched(judged: Iterator[Judged], count: int, progress: Progress) -> Iterator[Judged]:
    task = progress.add_task("mutants", total=count)
    counts: Counter[str] = Counter()
    for one in judged:
        counts[one.outcome.verdict] += 1
        said = ", ".join(f"{counts[w]} {w}" for w in ("refuted", "sound", "unknown"))
        progress.update(task, advance=1, description=said)
        yield one
