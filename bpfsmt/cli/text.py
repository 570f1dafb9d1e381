"""``bpfsmt disasm`` and ``bpfsmt asm``: between text and instructions."""

from __future__ import annotations

from pathlib import Path

import click

from bpfsmt.cli.boundary import EXIT_INPUT, EXIT_PROVED, clean, complain, describe
from bpfsmt.cli.common import file_argument, load_programs, type_option
from bpfsmt.isa import encode, listing
from bpfsmt.program import load_asm


@click.command()
@file_argument()
@type_option
@click.option("--kernel", is_flag=True, help="As the kernel's verifier log prints instructions.")
def disasm(file: str, kind: str, kernel: bool) -> int:
    """Print the programs in FILE as text, one instruction a line."""
    programs, skipped = load_programs(file, kind)
    for error in skipped:
        complain(describe(error))
    for program in programs:
        if len(programs) > 1:
            click.echo(f"{clean(program.name)}:")
        text = listing(
            program.slots, "kernel" if kernel else "asm", maps=[m.name for m in program.maps]
        )
        for line in text.splitlines():
            click.echo(clean(line))
    return EXIT_INPUT if skipped else EXIT_PROVED


@click.command()
@file_argument()
@click.option("--output", "-o", type=click.Path(), required=True, help="Where the bytes go.")
def asm(file: str, output: str) -> int:
    """Assemble FILE to raw bytes, little-endian.

    Bytes alone do not say what maps, type and license a program has: keep the text.
    """
    path = Path(file)
    try:
        program = load_asm(path.read_text(encoding="utf-8"), file)
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file}: not text: byte {error.start} is no UTF-8") from None
    data = encode(program.slots)
    Path(output).write_bytes(data)
    click.echo(f"wrote {clean(output)}: {len(program)} slots, {len(data)} bytes", err=True)
    return EXIT_PROVED
