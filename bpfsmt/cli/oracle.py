"""``--oracle``: ask a real kernel in place of our own verifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from bpfsmt.cli.boundary import EXIT_PROVED, EXIT_REFUTED, clean
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.kernel.stats import last_words
from bpfsmt.kernel.syscall import describe_errno

F = TypeVar("F", bound=Callable[..., Any])


def oracle_option(command: F) -> F:
    """``--oracle``: which kernel, none for our own verifier."""
    return click.option(
        "--oracle", "oracle_name", metavar="kernel|vm:RELEASE",
        help="Ask this kernel: the running one, or one in a virtual machine (vm:6.12).",
    )(command)  # fmt: skip


def no_rules_with_oracle(name: str | None) -> None:
    """A usage error if ``--rules`` and ``--oracle`` are both given: who is to decide?"""
    source = click.get_current_context().get_parameter_source("rules")
    if name is not None and source is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--rules is for our own verifier, --oracle asks another")


def exit_code(result: LoadResult) -> int:
    """0 if the kernel accepted the program, 1 if it did not."""
    return EXIT_PROVED if result.accepted else EXIT_REFUTED


def show_load(result: LoadResult, *, log: bool) -> None:
    """The log if it is wanted, then the verdict and what it rests on."""
    if log:
        for line in result.log.splitlines():
            click.echo(clean(line))
        if not result.complete:
            click.echo("(the log is too long: this is only a part of it)")
    name, kernel = clean(result.program.name), f"Linux {clean(result.release)}"
    for line in result.warnings:
        click.echo(f"{name}: on the console of {kernel}: {clean(line)}")
    if result.accepted:
        click.echo(f"{name}: accept by {kernel}{_effort(result)}")
        return
    click.echo(f"{name}: reject by {kernel}: {describe_errno(result.errno)}{_effort(result)}")
    reason = last_words(result.log)
    if reason:
        click.echo(f"  {clean(reason)}")


def _effort(result: LoadResult) -> str:
    stats = result.stats
    if stats is None:
        return ""
    took = "" if stats.microseconds is None else f" in {stats.microseconds} us"
    return f", {stats.insns_processed} instructions walked{took}"


def load_to_json(result: LoadResult) -> dict[str, Any]:
    """The same as plain data; ``errno`` is 0 and ``reason`` empty for an accepted program."""
    stats = result.stats
    return {
        "program": result.program.name,
        "type": result.program.type.value,
        "producer": f"Linux {result.release}",
        "verdict": "accept" if result.accepted else "reject",
        "errno": result.errno,
        "error": "" if result.accepted else describe_errno(result.errno),
        "reason": "" if result.accepted else last_words(result.log),
        "walked": result.insns_processed,
        "total_states": None if stats is None else stats.total_states,
        "peak_states": None if stats is None else stats.peak_states,
        "microseconds": None if stats is None else stats.microseconds,
        "log_complete": result.complete,
        "warnings": list(result.warnings),
        "log": result.log.splitlines(),
    }
