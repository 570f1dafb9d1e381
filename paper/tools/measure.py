"""``python -m paper.tools.measure``: run the measurements, and keep what the paper uses of them.

A result that is there already is kept if it is of the same command, profile and sources, so
that the same command goes on after Ctrl-C; one that failed is tried again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from paper.tools import environment
from paper.tools.needs import Needs
from paper.tools.store import Key, Result, Store
from paper.tools.table import MEASUREMENTS, Measurement

RAW = environment.ROOT / ".bpfsmt" / "paper"
ANSWERS = (0, 1, 3)
"""Exit codes with which bpfsmt has answered: all proved, something refuted, something unknown."""

Run = Callable[[Sequence[str], Path], tuple[int, str]]


def run(words: Sequence[str], raw: Path) -> tuple[int, str]:
    """Run bpfsmt; what it prints goes to a file.  Gives the exit code and the last error line."""
    raw.parent.mkdir(parents=True, exist_ok=True)
    part, errors = raw.with_suffix(".part"), raw.with_suffix(".err")
    command = [sys.executable, "-m", "bpfsmt", *words]
    with part.open("wb") as out, errors.open("wb") as err:
        code = subprocess.run(command, cwd=environment.ROOT, stdout=out, stderr=err).returncode
    part.replace(raw)
    lines = [line.strip() for line in errors.read_text(errors="replace").splitlines()]
    return code, next((line for line in reversed(lines) if line), "")


@dataclass(frozen=True, slots=True)
class Session:
    """One run through the table."""

    store: Store
    profile: str
    needs: Needs
    run: Run = run
    raw: Path = RAW
    force: bool = False

    def key(self, one: Measurement, profile: str = "") -> Key:
        """What the result would be of."""
        profile = profile or self.profile
        return Key("bpfsmt " + one.arguments(profile), profile, environment.sources())

    def kept(self, one: Measurement) -> Result | None:
        """The result that is there, if it need not be made again; a full one serves as a quick."""
        old = self.store.read(one.name)
        if old is None or old.status == "failed" or self.force:
            return None
        return old if old.key in (self.key(one), self.key(one, "full")) else None

    def measure(self, one: Measurement) -> Result:
        """Run one measurement and write its result, whatever came of it."""
        result = Result(
            one.name, self.key(one), "failed", load=round(os.getloadavg()[0], 1),
            commit=environment.commit(), date=datetime.now(UTC).strftime("%Y-%m-%d"),
        )  # fmt: skip
        missing = self.needs.missing(one.needs)
        if missing:
            result = replace(result, status="refused", reason=missing)
        else:
            result = self._ran(one, result)
        self.store.write(result)
        return result

    def read_again(self, one: Measurement) -> Result | None:
        """Keep again what is kept now of an output that is there; None if there is none."""
        old, raw = self.store.read(one.name), self._raw(one)
        if old is None or old.key != self.key(one) or old.status == "refused" or not raw.exists():
            return None
        result = self._understood(one, raw, old)
        self.store.write(result)
        return result

    def _raw(self, one: Measurement) -> Path:
        """Where the output goes; of another command or other sources it is another file."""
        mark = hashlib.sha256(repr(self.key(one)).encode()).hexdigest()[:12]
        return self.raw / f"{one.name}-{mark}.out"

    def _ran(self, one: Measurement, result: Result) -> Result:
        raw = self._raw(one)
        words = shlex.split(self.needs.fill(one.arguments(self.profile)))
        words += self.needs.saved(one.name, one.saved)
        start = time.perf_counter()
        code, last = self.run(words, raw)
        seconds = round(time.perf_counter() - start, 1)
        result = replace(result, seconds=seconds, exit=code)
        if code not in ANSWERS or not raw.read_text().strip():
            return replace(result, reason=f"exit code {code}: {last}")
        return self._understood(one, raw, result)

    def _understood(self, one: Measurement, raw: Path, result: Result) -> Result:
        try:
            values = one.keep(_read(raw, one.arguments(self.profile)))
        except (ValueError, KeyError, IndexError, TypeError) as error:
            why = f"not understood: {type(error).__name__}: {error}"
            return replace(result, status="failed", reason=why, values={})
        return replace(result, status="measured", reason="", values=values)


def _read(raw: Path, arguments: str) -> Any:
    """A JSON document, or plain text where a command prints a text."""
    text = raw.read_text()
    return json.loads(text) if "--json" in arguments.split() else text


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--profile", type=click.Choice(["quick", "full"]), default="quick",
              show_default=True, help="Some minutes, or some hours.")  # fmt: skip
@click.option("--force", is_flag=True, help="Measure again what is there already.")
@click.option(
    "--reread",
    is_flag=True,
    help="Run nothing; keep again what is kept now of the outputs that are there.",
)
@click.option("--list", "only_list", is_flag=True, help="Print the commands.")
def main(names: tuple[str, ...], profile: str, force: bool, reread: bool, only_list: bool) -> None:
    """Run the measurements of the paper (or those NAMED), one after the other.

    Exits with 0 if all were made or refused for want of something, else with 1.
    """
    chosen = _chosen(names)
    if only_list:
        for one in chosen:
            click.echo(f"{one.name}: bpfsmt {one.arguments(profile)}")
        return
    store = Store()
    store.begin(environment.environment(), {one.name for one in MEASUREMENTS})
    session = Session(store, profile, Needs(), force=force)
    if reread:
        click.echo(f"{sum(session.read_again(one) is not None for one in chosen)} read again")
        return
    try:
        failed = _all(session, chosen)
    except KeyboardInterrupt:
        click.echo("interrupted; the same command goes on", err=True)
        sys.exit(130)
    sys.exit(1 if failed else 0)


def _chosen(names: Sequence[str]) -> list[Measurement]:
    known = {one.name: one for one in MEASUREMENTS}
    for name in names:
        if name not in known:
            raise click.UsageError(f"there is no measurement {name}")
    return [known[name] for name in names or known]


def _all(session: Session, chosen: Sequence[Measurement]) -> int:
    """How many failed; each has its line, with the time it took."""
    console, start, results = Console(highlight=False), time.perf_counter(), []
    width = max(len(one.name) for one in chosen)
    for count, one in enumerate(chosen, 1):
        head = f"{count:3}/{len(chosen)}  {one.name:{width}}"
        result = session.kept(one)
        note = "kept" if result else ""
        if result is None:
            with console.status(f"{head}  bpfsmt {one.arguments(session.profile)}"):
                result = session.measure(one)
        note = note or (f"{result.seconds:7.1f} s" if result.status != "refused" else "")
        why = f"{result.status}: {result.reason}" if result.reason else ""
        console.print(f"{head}  {note:>9}  {why}", markup=False, soft_wrap=True)
        results.append(result)
    counts = [
        f"{sum(r.status == s for r in results)} {s}" for s in ("measured", "refused", "failed")
    ]
    total = time.perf_counter() - start
    console.print(f"{session.profile}: {', '.join(counts)}; {total:.1f} s")
    return sum(r.status == "failed" for r in results)


if __name__ == "__main__":
    main()
