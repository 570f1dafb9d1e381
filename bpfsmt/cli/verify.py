"""``bpfsmt verify``: what the verifier says of a program, without any proof."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

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
from bpfsmt.cli.common import file_argument, json_option, load_programs, rules_option, type_option
from bpfsmt.cli.oracle import (
    exit_code,
    load_to_json,
    no_rules_with_oracle,
    oracle_option,
    show_load,
)
from bpfsmt.domain.analysis import Analysis, Outcome
from bpfsmt.errors import OracleError
from bpfsmt.kernel.oracle import LoadResult, oracle
from bpfsmt.program import Program
from bpfsmt.rules import RuleSet, load_rules
from bpfsmt.verifier import verify as run_verifier

_CODES = {
    Outcome.ACCEPT: EXIT_PROVED,
    Outcome.REJECT: EXIT_REFUTED,
    Outcome.UNSUPPORTED: EXIT_UNKNOWN,
}


@click.command()
@file_argument()
@rules_option
@type_option
@json_option
@oracle_option
@click.option(
    "--log/--no-log", "-v", default=None,
    help="Print the log of the walk as a kernel would (an oracle's is, unless --no-log).",
)  # fmt: skip
def verify(
    file: str, rules: str, kind: str, as_json: bool, oracle_name: str | None, log: bool | None
) -> int:
    """Verify the programs in FILE: verdict, reason, and with --log how it came to it.

    With --oracle a real kernel verifies them; nothing is attached.

    Exits with 0 if all are accepted, 1 if one is rejected, 2 for bad input or an oracle
    that cannot be asked here, and 3 if one is not supported (the first of 1, 2, 3 that
    holds).
    """
    no_rules_with_oracle(oracle_name)
    programs, errors = load_programs(file, kind)
    if oracle_name is not None:
        codes = _ask(oracle_name, programs, errors, as_json, log is not False)
    else:
        codes = _verify(load_rules(rules), programs, as_json, bool(log))
    for error in errors:
        complain(describe(error))
    return worst(codes | ({EXIT_INPUT} if errors else set()))


def _verify(rules: RuleSet, programs: Sequence[Program], as_json: bool, log: bool) -> set[int]:
    """What our own verifier says, shown; the exit codes."""
    analyses = [run_verifier(program, rules, log=log) for program in programs]
    if as_json:
        click.echo(json.dumps([_to_json(analysis) for analysis in analyses], indent=2))
    else:
        for analysis in analyses:
            _show(analysis)
    return {_CODES[analysis.verdict.outcome] for analysis in analyses}


def _ask(
    name: str, programs: Sequence[Program], errors: list[Exception], as_json: bool, log: bool
) -> set[int]:
    """What a kernel says, shown; the exit codes.  A program it cannot judge is an error."""
    kernel = oracle(name)
    results: list[LoadResult] = []
    for program in programs:
        try:
            results.append(kernel.load(program))
        except OracleError as error:
            errors.append(error)
    if as_json:
        click.echo(json.dumps([load_to_json(result) for result in results], indent=2))
    else:
        for result in results:
            show_load(result, log=log)
    return {exit_code(result) for result in results}


def _show(analysis: Analysis) -> None:
    for line in analysis.log:
        click.echo(clean(line))
    verdict = analysis.verdict
    name = clean(analysis.program.name)
    if verdict.accepted:
        click.echo(f"{name}: accept, {analysis.walked} instructions walked")
        return
    click.echo(f"{name}: {verdict.outcome.value} at {verdict.pc} ({verdict.kind})")
    click.echo(f"  {clean(verdict.reason)}")


def _to_json(analysis: Analysis) -> dict[str, Any]:
    verdict = analysis.verdict
    return {
        "program": analysis.program.name,
        "type": analysis.program.type.value,
        "producer": analysis.producer,
        "verdict": verdict.outcome.value,
        "pc": verdict.pc,
        "kind": verdict.kind,
        "reason": verdict.reason,
        "message": verdict.message,
        "walked": analysis.walked,
        "visits": len(analysis.visits),
        "log": analysis.log,
    }
