"""``bpfsmt explain``: why a program was rejected, in words, and what would make it pass."""

from __future__ import annotations

import json

import click
from rich.console import Console

from bpfsmt.cli.boundary import (
    EXIT_INPUT,
    EXIT_PROVED,
    EXIT_REFUTED,
    EXIT_UNKNOWN,
    clean,
    complain,
    describe,
    worst,
)
from bpfsmt.cli.common import (
    Seconds,
    file_argument,
    json_option,
    load_programs,
    rules_option,
    type_option,
)
from bpfsmt.cli.explain_json import explanation_json
from bpfsmt.cli.explain_text import explanation_lines
from bpfsmt.cli.oracle import oracle_option
from bpfsmt.domain.analysis import Outcome
from bpfsmt.errors import OracleError
from bpfsmt.explain import Explanation
from bpfsmt.explain import explain as explain_program
from bpfsmt.explain.others import Other
from bpfsmt.kernel.oracle import Oracle, oracle
from bpfsmt.program import Program
from bpfsmt.rules import load_rules

_CODES = {
    Outcome.ACCEPT: EXIT_PROVED,
    Outcome.REJECT: EXIT_REFUTED,
    Outcome.UNSUPPORTED: EXIT_UNKNOWN,
}

LOG_LINES = 40
"""So much of the log is shown, unless all of it is asked for."""


@click.command()
@file_argument()
@rules_option
@type_option
@json_option
@oracle_option
@click.option(
    "--timeout", type=Seconds(), default=10.0, show_default=True,
    help="Seconds for each query, for the exact sets, and for the search for a check.",
)  # fmt: skip
@click.option(
    "--log/--no-log", "-v", default=None,
    help=f"All of the log below, or none of it.  [default: the last {LOG_LINES} lines]",
)  # fmt: skip
def explain(
    file: str,
    rules: str,
    kind: str,
    as_json: bool,
    oracle_name: str | None,
    timeout: float,
    log: bool | None,
) -> int:
    """Explain why the programs in FILE are rejected.

    In words: the access that fails and the bound that it lacks; how the value came to be,
    and where the verifier lost what it could have known; whether a run really goes wrong,
    with an input that was replayed; which other rule sets accept the program, and with
    --oracle whether that kernel does (nothing is attached); and the smallest check that
    makes it pass, found by putting checks in and verifying the program again.

    Exits with 0 if all are accepted, 1 if one is rejected, 2 for bad input or an oracle
    that cannot be asked here, and 3 if one is not supported (the first of 1, 2, 3 that
    holds).
    """
    chosen = load_rules(rules)
    programs, errors = load_programs(file, kind)
    kernel = None if oracle_name is None else oracle(oracle_name)
    found: list[Explanation] = []
    for program in programs:
        with Console(stderr=True).status(f"explaining {clean(program.name)}"):
            one = explain_program(program, chosen, seconds=timeout)
        if kernel is not None:
            one = _with_kernel(kernel, one, errors)
        found.append(one)
    lines = {None: LOG_LINES, False: 0, True: -1}[log]
    if as_json:
        click.echo(json.dumps([explanation_json(one) for one in found], indent=2))
    else:
        for one in found:
            for line in explanation_lines(one, log=lines):
                click.echo(clean(line))
    for error in errors:
        complain(describe(error))
    codes = {_CODES[one.analysis.verdict.outcome] for one in found}
    return worst(codes | ({EXIT_INPUT} if errors else set()))


def _with_kernel(kernel: Oracle, one: Explanation, errors: list[Exception]) -> Explanation:
    """The explanation with what a kernel says of the program, and of it with the check."""
    try:
        release, verdict = _ask(kernel, one.analysis.program)
        changed = one.repair.program
        repaired = "" if changed is None else _ask(kernel, changed)[1]
    except OracleError as error:
        errors.append(error)
        return one
    return one.with_other(Other(f"Linux {release}", verdict, repaired=repaired))


def _ask(kernel: Oracle, program: Program) -> tuple[str, str]:
    said = kernel.load(program)
    return said.release, "accept" if said.accepted else "reject"
