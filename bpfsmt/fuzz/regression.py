"""Findings as files: each a program that says what is expected of it, and its input beside it.

A case needs nothing of the campaign that it comes from: a rule set that is a user's file is
copied along.  `replayed` asks again what was asked then.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bpfsmt.errors import LoadError
from bpfsmt.fuzz.apart import run_apart
from bpfsmt.fuzz.batch import Alone
from bpfsmt.fuzz.case import from_json, to_json
from bpfsmt.fuzz.finding import DIED, Found, Oracle, Shown
from bpfsmt.fuzz.judge import Court
from bpfsmt.fuzz.known import explained
from bpfsmt.fuzz.machine import Watch
from bpfsmt.fuzz.settings import Settings
from bpfsmt.fuzz.shrink import again
from bpfsmt.fuzz.worker import Died
from bpfsmt.isa.directives import Directive
from bpfsmt.program.text import program_text
from bpfsmt.rules import load_rules
from bpfsmt.verifier import verify

SUFFIX = ".bpfasm"


def export(findings: Iterable[Found], settings: dict[str, Any], folder: Path) -> Iterator[Path]:
    """Write each finding into the folder, and tell its program's file.

    ``settings`` are those of the campaign, with the versions that judged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names: Counter[str] = Counter()
    for found in findings:
        if found.rules.endswith(".py"):
            copy = folder / Path(found.rules).name
            if not copy.exists() or not copy.samefile(found.rules):
                shutil.copyfile(found.rules, copy)
        name = _name(found)
        names[name] += 1
        more = f"-{names[name]}" if names[name] > 1 else ""
        path = folder / f"{name}{more}{SUFFIX}"
        path.write_text(_text(found, path))
        document = {"finding": to_json(found), "campaign": settings}
        path.with_suffix(".json").write_text(json.dumps(document, indent=2) + "\n")
        yield path


def _name(found: Found) -> str:
    """A name for files: rule set, kind, rule and component; the known ones are so called."""
    rules = Path(found.rules).stem if found.rules.endswith(".py") else found.rules
    return re.sub(r"[^A-Za-z0-9_.]+", "-", f"{rules}-{'-'.join(found.key)}").strip("-") + (
        "-known" if found.shown.cause else ""
    )


def _text(found: Found, path: Path) -> str:
    """The program behind comments that say what it shows and how to see it again."""
    verdict = verify(found.program, load_rules(found.rules)).verdict
    expect = ("accept",) if verdict.accepted else ("reject", "at", str(max(verdict.pc, 0)))
    key, first = found.key, found.shown.text.splitlines()
    title = f"{key.kind}: {key.rule} {key.component}, with {found.rules}"
    lines = [f"; {line}" for line in (first[:1] if key.kind != "crash" else first[-1:])]
    lines += [f"; known: {found.shown.cause}"] * bool(found.shown.cause)
    directives = [Directive("title", (title,)), Directive("expect", expect)]
    text = program_text(found.program, *directives)
    return "\n".join([*lines, f"; Again: bpfsmt fuzz --replay {path.name}", text])


def read(path: Path) -> tuple[Found, Settings]:
    """A case from its two files, and the settings that it was found with.

    Raises `LoadError` where there is none, and `AsmError` for a program that is no good.
    """
    beside = path.with_suffix(".json")
    try:
        document = json.loads(beside.read_text())
        found = from_json(document["finding"], path.read_text(), path.stem)
        fields = {name: document["campaign"][name] for name in Settings.__dataclass_fields__}
    except FileNotFoundError as error:
        raise LoadError(f"{error.filename}: no such file") from None
    except (ValueError, KeyError, TypeError) as error:
        raise LoadError(f"{beside}: this is no case of a campaign: {error!r}") from None
    settings = Settings(**fields | {"oracles": tuple(fields["oracles"])})
    if found.rules.endswith(".py"):
        found = replace(found, rules=str(path.parent / Path(found.rules).name))
    return found, settings


def replayed(path: Path) -> tuple[Found, Shown | None]:
    """A case, and what its program shows now: `None` if it shows the finding no more.

    An input that is kept with it is run; what has none is asked of its oracle again.
    """
    found, settings = read(path)
    if found.key.component == DIED:
        died = run_apart(Alone(settings, found))
        return found, found.shown if isinstance(died, Died) else None
    witness = found.shown.witness
    if witness is None or found.shown.oracle is Oracle.KERNEL:
        return found, again(settings, found)(found.program)
    court = Court.of(found.rules, settings)
    analysis = verify(found.program, court.rules)
    if not analysis.verdict.accepted:
        return found, None
    full = verify(found.program, court.rules, forgetful=False)
    shown = next(Watch(analysis, full, court.rules).given([witness]), None)
    if shown is None:
        return found, None
    return found, explained(court.rules, settings, found.program, shown)
