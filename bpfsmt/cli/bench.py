"""``bpfsmt bench``: what is measured, a command for each."""

from __future__ import annotations

import click

from bpfsmt.cli.bench_run import run, xdp
from bpfsmt.cli.bench_verify import verify


@click.group()
def bench() -> None:
    """Measure how fast programs run and are verified, in the running kernel and in bpfsmt."""


for command in (run, verify, xdp):
    bench.add_command(command)
