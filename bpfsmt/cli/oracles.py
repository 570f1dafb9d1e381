"""``bpfsmt oracles``: which kernels can be asked here, and what is missing for the others."""

from __future__ import annotations

import dataclasses
import json

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bpfsmt.cli.boundary import EXIT_PROVED, clean
from bpfsmt.cli.common import json_option
from bpfsmt.cli.tables import console
from bpfsmt.errors import OracleError
from bpfsmt.kernel.known import KnownOracle, known_oracles
from bpfsmt.kernel.vm.fetch import fetch_kernel, fetch_qemu


@click.command()
@click.option(
    "--fetch", "wanted", multiple=True, metavar="vm:RELEASE|qemu",
    help="Download a Debian kernel, or QEMU, into the cache directory (nothing is installed).",
)  # fmt: skip
@json_option
def oracles(wanted: tuple[str, ...], as_json: bool) -> int:
    """List the kernels that can be asked with --oracle, and what is missing for others.

    Exits with 0, or with 2 if something could not be fetched.
    """
    for each in wanted:
        with Console(stderr=True).status(f"fetching {clean(each)}"):
            _fetch(each)
    known = known_oracles()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in known], indent=2))
    else:
        console().print(_table(known))
    return EXIT_PROVED


def _fetch(name: str) -> None:
    kind, _, release = name.partition(":")
    if name == "qemu":
        fetch_qemu()
    elif kind == "vm" and release:
        fetch_kernel(release)
    else:
        raise OracleError(f"{name}: what can be fetched is vm:RELEASE (such as vm:6.12) and qemu")


def _table(known: list[KnownOracle]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="")
    for column in ("oracle", "state", "kernel"):
        table.add_column(column)
    for one in known:
        if one.missing is None:
            kernel = f"Linux {one.release}" + (f" ({one.where})" if one.where else "")
            state = Text("ready", "green")
        else:
            kernel, state = one.missing, Text("missing", "yellow")
        table.add_row(clean(one.name), state, clean(kernel))
    return table
