"""The command line: a thin layer over the Python API, one module for each command."""

from __future__ import annotations

import click

from bpfsmt.cli.agree import agree
from bpfsmt.cli.bench import bench
from bpfsmt.cli.bench_verify import verify as verify_speed
from bpfsmt.cli.boundary import Boundary
from bpfsmt.cli.cfg import cfg
from bpfsmt.cli.crosscheck import crosscheck
from bpfsmt.cli.diff import diff
from bpfsmt.cli.explain import explain
from bpfsmt.cli.fuzz import fuzz
from bpfsmt.cli.generate import generate
from bpfsmt.cli.machine_check import machine_check
from bpfsmt.cli.museum import museum
from bpfsmt.cli.mutate import mutate
from bpfsmt.cli.oracles import oracles
from bpfsmt.cli.precision import precision
from bpfsmt.cli.prove import prove
from bpfsmt.cli.record import record
from bpfsmt.cli.replay import replay
from bpfsmt.cli.rules import rules
from bpfsmt.cli.run import run
from bpfsmt.cli.selftests import selftests
from bpfsmt.cli.supported import supported
from bpfsmt.cli.text import asm, disasm
from bpfsmt.cli.verify import verify


@click.group(cls=Boundary, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bpfsmt")
def main() -> None:
    """Is what an eBPF verifier believes about a program true?"""


bench.add_command(verify_speed)
for command in (
    crosscheck,
    verify,
    explain,
    prove,
    museum,
    mutate,
    fuzz,
    precision,
    diff,
    record,
    replay,
    run,
    cfg,
    disasm,
    asm,
    rules,
    oracles,
    machine_check,
    bench,
    supported,
    agree,
    selftests,
    generate,
):
    main.add_command(command)

__all__ = ["main"]
