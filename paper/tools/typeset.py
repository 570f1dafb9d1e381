"""``python -m paper.tools.typeset``: the PDF, and what can be asked of the paper before it.

Nothing is read from the network or the system: the fonts are those inside the typst package, the
date in the PDF is fixed, so the same sources and results give the same file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import typst

from paper.tools.environment import sources
from paper.tools.store import Store

PAPER = Path(__file__).resolve().parents[1]
MAIN = "bpfsmt.typ"
EPOCH = 1_700_000_000
"""The time that the PDF says it was made at."""

MASK = {"mask": "yes"}


def compiler(paper: Path = PAPER, inputs: dict[str, str] | None = None) -> typst.Compiler:
    """A compiler of the paper in a directory, with nothing of the system."""
    return typst.Compiler(
        str(paper / MAIN), root=str(paper), ignore_system_fonts=True, sys_inputs=inputs or {}
    )


def ask(label: str, paper: Path = PAPER, inputs: dict[str, str] | None = None) -> list[Any]:
    """The values of all metadata with this label."""
    found = compiler(paper, inputs).query(f"<{label}>", field="value")
    return list(json.loads(found))


def used(paper: Path = PAPER) -> set[str]:
    """The measurements that the text uses."""
    return set(ask("used", paper))


def unmeasured(paper: Path = PAPER) -> dict[str, set[str]]:
    """Of these, the ones without values: ``missing``, or ``refused`` (not to be had here)."""
    words: dict[str, set[str]] = {"missing": set(), "refused": set()}
    for found in ask("unmeasured", paper):
        kind, _, name = str(found).partition(" ")
        words[kind].add(name)
    return words


def pdf(paper: Path = PAPER) -> tuple[bytes, list[str]]:
    """The paper, and what typst warns of."""
    data, warnings = compiler(paper).compile_with_warnings(format="pdf", timestamp=EPOCH)
    assert isinstance(data, bytes)
    return data, [str(w) for w in warnings]


def pages(paper: Path = PAPER, ppi: float = 110.0) -> list[bytes]:
    """Each page as PNG, to look at."""
    found = compiler(paper).compile(format="png", ppi=ppi)
    return found if isinstance(found, list) else [found or b""]


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=PAPER / "bpfsmt.pdf",
              help="Where the PDF goes.")  # fmt: skip
@click.option("--final", is_flag=True, help="Refuse if something was not measured.")
@click.option("--png", type=click.Path(path_type=Path, file_okay=False),
              help="Also write each page to this directory.")  # fmt: skip
def main(out: Path, final: bool, png: Path | None) -> None:
    """Typeset the paper."""
    try:
        left = unmeasured()
        if left["missing"]:
            names = ", ".join(sorted(left["missing"]))
            click.echo(f"paper: not measured: {names} (make results)", err=True)
            if final:
                sys.exit(1)
        stale = [r.name for r in Store().all() if r.key.sources != sources()]
        if stale:
            click.echo(f"paper: {len(stale)} results are of other sources (make results)", err=True)
        data, warnings = pdf()
    except (typst.TypstError, RuntimeError) as error:  # the latter from a query
        click.echo(f"paper: {error}", err=True)
        sys.exit(2)
    for warning in warnings:
        click.echo(f"paper: {warning}", err=True)
    out.write_bytes(data)
    click.echo(f"{out}: {len(data) // 1024} KiB")
    if png is not None:
        png.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(pages(), 1):
            (png / f"page-{number:02}.png").write_bytes(page)


if __name__ == "__main__":
    main()
