"""``bpfsmt verify``: what the verifier says of a program, without any proof."""

from __future__ import annotations

import json
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
from bpfsmt.domain.analysis import Analysis, Outcome
from bpfsmt.rules import load_rules
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
@click.option("--log", "-v", is_flag=True, help="Print the log of the walk as a kernel would.")
def verify(file: str, rules: str, kind: str, as_json: bool, log: bool) -> int:
    """Verify the programs in FILE: verdict, reason, and with --log how it came to it.

    Exits with 0 if all are accepted, 1 if one is rejected, 2 for bad input and 3 if one
    is not supported (the first of 1, 2, 3 that holds).
    """
    chosen = load_rules(rules)
    programs, skipped = load_programs(file, kind)
    for error in skipped:
        complain(describe(error))
    analyses = [run_verifier(program, chosen, log=log) for program in programs]
    if as_json:
        click.echo(json.dumps([_to_json(analysis) for analysis in analyses], indent=2))
    else:
        for analysis in analyses:
            _show(analysis)
    codes = {_CODES[analysis.verdict.outcome] for analysis in analyses}
    return worst(codes | ({EXIT_INPUT} if skipped else set()))


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
