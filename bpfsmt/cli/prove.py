"""``bpfsmt prove``: every rule of a rule set, proved at 64 bits or refuted."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bpfsmt.cli.boundary import EXIT_PROVED, EXIT_REFUTED, EXIT_UNKNOWN, worst
from bpfsmt.cli.common import Seconds, json_option
from bpfsmt.cli.prove_text import counterexample_text, known, poc_text, proof_json, proof_table
from bpfsmt.poc import Poc, selftest, synthesise
from bpfsmt.prover.cache import Cache, default_path
from bpfsmt.prover.decide import Result
from bpfsmt.prover.prove import Done, Options
from bpfsmt.prover.prove import prove as run_proofs
from bpfsmt.prover.recheck import check_installed
from bpfsmt.prover.settled import callers_unasked, given_unasked, settled
from bpfsmt.prover.theorems import Theorem, theorems, uncovered
from bpfsmt.rules import RuleSet, RuleSetError, load_rules
from bpfsmt.rules.museum import PREFIX

DEFAULT = "linux-6.12"

POC_SECONDS = 20.0
"""How long to look for a program that shows one wrong rule."""


@click.command()
@click.argument("about", nargs=-1, metavar="[RULE]...")
@click.option(
    "--rules", "-r", "specs", multiple=True, metavar="NAME|FILE.py",
    help=f"The rule set, by name or file; may be given several times.  [default: {DEFAULT}]",
)  # fmt: skip
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Processes; as many as cores.")
@click.option(
    "--timeout", type=Seconds(), default=30.0, show_default=True,
    help="Seconds for one formula before it is unknown.",
)  # fmt: skip
@click.option("--recheck", is_flag=True, help="Confirm every proof with a second solver.")
@click.option(
    "--dump", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Write every formula that was found impossible as SMT-LIB.",
)  # fmt: skip
@click.option("--no-poc", is_flag=True, help="Look for no program that shows a wrong rule.")
@click.option("--selftest", "as_selftest", is_flag=True, help="Print it as a kernel selftest.")
@click.option("--no-cache", is_flag=True, help="Neither use nor keep earlier proofs.")
@click.option("--all", "every", is_flag=True, help="One line for each obligation.")
@json_option
def prove(
    about: tuple[str, ...],
    specs: tuple[str, ...],
    jobs: int | None,
    timeout: float,
    recheck: bool,
    dump: Path | None,
    no_poc: bool,
    as_selftest: bool,
    no_cache: bool,
    every: bool,
    as_json: bool,
) -> int:
    """Prove every rule of a rule set, or those named.

    Of a rule set of the museum (museum/NAME) it proves what concerns its fault, and prints a
    page about it; with --all, --recheck, --dump or a RULE, as of any other.

    Proofs of a RULE alone may leave something to those of others: what they are given, and that
    callers hand on synced operands.  The output names the rules that were not asked.

    Exit code 0: everything proved; 1: something refuted; 3: something unknown.
    """
    if recheck:
        check_installed()
    cache = Cache(None if no_cache else default_path())
    options = Options(min(8.0, timeout), timeout, recheck, dump)
    codes = set()
    documents = []
    try:
        for spec in specs or (DEFAULT,):
            if spec.startswith(PREFIX) and not (about or every or recheck or dump):
                # Imported for a page alone: proofs need neither the verifier nor the machine.
                from bpfsmt.cli.exhibit import Page

                page = Page(spec, 0.0 if no_poc else POC_SECONDS)
                codes.add(page.code)
                if as_json:
                    documents.append(page.to_json())
                else:
                    page.show(_console(), as_selftest)
                continue
            start = time.perf_counter()
            rules = load_rules(spec)
            everything = theorems(rules)
            _check_names(rules, everything, about)
            chosen = [t for t in everything if not about or {t.rule, t.name} & set(about)]
            order = [t.name for t in chosen]
            done = _run(rules, order, jobs, cache if not no_cache else None, options, spec)
            seconds = time.perf_counter() - start
            codes.add(_code(done))
            pocs = {} if no_poc else _pocs(rules, done)
            if as_json:
                documents.append(proof_json(rules, done, seconds, pocs))
            else:
                _show(rules, done, pocs, every, as_selftest)
                _summary(rules, done, seconds)
                if len(done) == len(everything):
                    _uncovered(rules, everything)
    finally:
        cache.close()
    if as_json:
        click.echo(json.dumps(documents if len(documents) > 1 else documents[0], indent=2))
    return worst(codes)


def _check_names(rules: RuleSet, everything: Sequence[Theorem], about: Sequence[str]) -> None:
    known = {t.rule for t in everything} | {t.name for t in everything}
    for name in about:
        if name not in known:
            raise RuleSetError(f"{rules.name}: nothing is to be proved of {name!r}")


def _run(
    rules: RuleSet,
    names: Sequence[str],
    jobs: int | None,
    cache: Cache | None,
    options: Options,
    spec: str,
) -> list[Done]:
    """What came of the theorems of these names, in this order."""
    order = {name: i for i, name in enumerate(names)}
    done: list[Done] = []
    counts: Counter[str] = Counter()
    columns = (TextColumn(rules.name), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(names))
        for one in run_proofs(rules, names, jobs=jobs, cache=cache, options=options, spec=spec):
            done.append(one)
            counts.update(r.verdict for r in one.results)
            said = ", ".join(f"{n} {word}" for word, n in sorted(counts.items()))
            progress.update(task, advance=1, description=said)
    return _settle(sorted(done, key=lambda d: order[d.theorem]))


def _settle(done: list[Done]) -> list[Done]:
    """Each theorem's results, in the light of those that they rest on."""
    results = iter(settled(r for d in done for r in d.results))
    return [replace(d, results=list(itertools.islice(results, len(d.results)))) for d in done]


def _code(done: Sequence[Done]) -> int:
    verdicts = {r.verdict for d in done for r in d.results}
    if "refuted" in verdicts:
        return EXIT_REFUTED
    return EXIT_UNKNOWN if "unknown" in verdicts else EXIT_PROVED


def _pocs(rules: RuleSet, done: Sequence[Done]) -> dict[str, Poc]:
    """A program for each refuted rule for which one is found."""
    wrong = {r.rule for d in done for r in d.results if r.verdict == "refuted" and r.rule}
    found = {rule: synthesise(rules, rule, seconds=POC_SECONDS) for rule in sorted(wrong)}
    return {rule: poc for rule, poc in found.items() if poc is not None}


def _show(
    rules: RuleSet, done: Sequence[Done], pocs: dict[str, Poc], every: bool, as_selftest: bool
) -> None:
    console = _console()
    console.print(proof_table(done, every))
    results = [r for d in done for r in d.results]
    for r in results:
        if r.verdict == "refuted" and r.counterexample is not None:
            console.print(counterexample_text(r), markup=False, soft_wrap=True)
            if known(rules, r):
                said = f"  known: {rules.faults[r.name]}"
                console.print(said, markup=False, soft_wrap=True)
    for rule, poc in pocs.items():
        text = selftest(poc) if as_selftest else poc_text(rule, poc)
        console.print(text, markup=False, soft_wrap=True)


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 150
    return console


def _summary(rules: RuleSet, done: Sequence[Done], seconds: float) -> None:
    console = _console()
    results = [r for d in done for r in d.results]
    counts = Counter(r.verdict for r in results)
    cached = sum(d.cached for d in done)
    listed = sum(known(rules, r) for r in results)
    said = {w: f"{counts[w]} {w}" for w in ("proved", "refuted", "unknown")}
    if listed:
        said["refuted"] += f" ({listed} known of this release)"
    words = ", ".join(said.values())
    again = f", {cached} of {len(done)} theorems from the cache" if cached else ""
    console.print(f"{rules.name}: {len(results)} obligations: {words} in {seconds:.1f} s{again}")
    opinions = Counter(f"{o.solver}: {o.answer}" for r in results for o in r.opinions)
    if opinions:
        console.print("  second solver: " + ", ".join(f"{k} {n}" for k, n in opinions.items()))
    for line in _unasked(rules, results):
        console.print(f"  {line}", soft_wrap=True)


def _uncovered(rules: RuleSet, everything: Sequence[Theorem]) -> None:
    missing = uncovered(rules, everything)
    if missing:
        _console().print(f"  no obligation speaks of: {', '.join(missing)}", soft_wrap=True)


def _unasked(rules: RuleSet, results: Sequence[Result]) -> Iterator[str]:
    """What proofs of some rules leave to those of others."""
    for name, callers in callers_unasked(rules, results).items():
        yield f"{name}: for synced operands; callers not asked: {', '.join(callers)}"
    given = given_unasked(results)
    if given:
        yield f"given, and not asked: {', '.join(given)}"
