"""What is known of one historic fault of the kernel's verifier."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from bpfsmt.bits import Rule
from bpfsmt.rules.ruleset import RuleSet, RuleSetError

AnyRule: TypeAlias = "Rule[..., object]"

PROGRAM = "program"
"""The kind of an exhibit that only shows in the claims about a program."""


@dataclass(frozen=True)
class Exhibit:
    """A rule set with one historic fault: a few rules overridden on the set of its time.

    ``number`` is its place in the museum ("A07"; several may share one).  ``fix`` and
    ``introduced`` are commits of Linux, ``bad`` and ``fixed`` the releases with the fault and
    those without.  ``kind`` says what sort of obligation finds it.  ``refuted`` names the
    obligations that fail, ``unsynced`` those that hold of synced operands only; every other
    obligation about the same rules is proved.  ``wrong`` and ``right`` say it in words, and
    ``limits`` what of the story is not modelled.  ``program`` is the file of a program that
    shows the fault, if there is one, ``other`` that of a program for its tail calls.

    A fault of the walk (kind `PROGRAM`) may leave every rule as it is, and undo one of its
    `Duties`.  Then the claims about ``program`` are what is refuted, by the checks ``caught``:
    those of `bpfsmt.crosscheck`, and "run" for its run in the machine.
    """

    rules: RuleSet
    number: str
    title: str
    fix: str
    bad: str
    fixed: str
    kind: str
    wrong: str
    right: str
    refuted: tuple[str, ...] = ()
    unsynced: tuple[str, ...] = ()
    caught: tuple[str, ...] = ()
    introduced: str = ""
    cve: str = ""
    limits: str = ""
    program: Path | None = None
    other: Path | None = None

    @property
    def name(self) -> str:
        """The name of its rule set, without ``museum/``."""
        return self.rules.name.removeprefix(PREFIX)

    @property
    def base(self) -> RuleSet:
        """The rule set of its time, with the fault corrected."""
        assert self.rules.base is not None
        return self.rules.base

    @property
    def reachable(self) -> bool:
        """Whether programs come to where it is wrong.

        They do not if every obligation holds of synced operands: a walk has no others.
        """
        return bool(self.refuted or self.caught)

    @property
    def about(self) -> tuple[str, ...]:
        """The rules that the obligations speak of: those that are listed, and all that changed."""
        named = {o.partition("/")[0].partition("(")[0] for o in (*self.refuted, *self.unsynced)}
        return tuple(sorted(named | {name for name, _, _ in self.texts}))

    @property
    def undone(self) -> tuple[str, ...]:
        """The names of the `Duties` that the walk does not do, and should."""
        always = self.base.policy.duties.undone
        return tuple(n for n in self.rules.policy.duties.undone if n not in always)

    @property
    def texts(self) -> list[tuple[str, str, str]]:
        """The changed rules: name, wrong text ("" if only the right has it), right text."""
        wrong, right = self.rules.linked.rules, self.base.linked.rules
        names = [n for n, r in wrong.items() if right.get(n) is not r]
        return [(n, _text(wrong.get(n)), _text(right.get(n))) for n in names]


def _text(rule: AnyRule | None) -> str:
    return rule.source.text.strip("\n") if rule is not None else ""


PREFIX = "museum/"

_FILES = (
    "a01_cve_2017_16995", "a02_cve_2017_16996", "a03_cve_2017_17853", "a04_cve_2017_17852",
    "a05_cve_2018_18445", "a06_arsh32", "a07_cve_2020_8835", "a08_zext_signed",
    "a09_cve_2020_27194", "a10_cve_2021_20268", "a11_signed_low_half", "a12_cve_2021_31440",
    "a13_cve_2021_3490", "a14_bitwise_signs", "a15_movsx32", "a15_movsx64",
    "a16_cve_2026_31413", "a17_delta_link32", "a18_link_flag", "a19_cve_2026_43070",
    "a20_narrow_spill", "a20_sext_fill", "a20_store_imm", "a21_cve_2022_2905", "a22_unsigned_min",
    "a23_retval_umax", "a24_cve_2021_3600", "a24_cve_2021_3444", "a24_division_leaves",
    "a25_sdiv32_magnitude", "a25_sdiv64_overflow", "p01_cve_2017_17854",
    "p01_cve_2017_17856", "p01_cve_2017_17857", "p02_cve_2022_23222", "p05_cve_2024_41003",
    "p06_cve_2023_2163", "p07_narrow_slots", "p07_cve_2026_43009", "p07_alloc_size",
    "p07_outer_frames", "p08_cve_2026_53081", "p09_scalar_ids", "p09_linked_precision",
    "p10_bit_test", "p11_exact_rounds", "p11_rounds_told", "p12_cve_2024_58098",
    "p12_cve_2024_58237", "p12_tail_call_returns", "p13_cve_2021_34866", "p13_cve_2021_4204",
    "p13_cve_2024_49861",
)  # fmt: skip


def _name(file: str) -> str:
    """An exhibit goes by its CVE, or by its number and subject."""
    _, _, rest = file.partition("_")
    return (rest if rest.startswith("cve_") else file).replace("_", "-")


MODULES = {_name(file): file for file in _FILES}
"""The module of each exhibit, by name, in the order of the museum."""


def exhibit(name: str) -> Exhibit:
    """The exhibit of that name, with or without ``museum/``; `RuleSetError` if there is none."""
    return _load(name.removeprefix(PREFIX))


@functools.cache
def _load(name: str) -> Exhibit:
    if name not in MODULES:
        raise RuleSetError(f"no exhibit {name!r}: there are {', '.join(MODULES)}")
    module = importlib.import_module(f"bpfsmt.rules.museum.{MODULES[name]}")
    return beside(module.EXHIBIT, Path(module.__file__ or ""))


def beside(exhibit: Exhibit, file: Path) -> Exhibit:
    """The exhibit of a file with the programs beside it that are there."""
    program, other = file.with_suffix(".bpfasm"), file.with_suffix(".other.bpfasm")
    return replace(
        exhibit,
        program=program if program.is_file() else None,
        other=other if other.is_file() else None,
    )


def exhibits() -> list[Exhibit]:
    """All of them, in order."""
    return [exhibit(name) for name in MODULES]
