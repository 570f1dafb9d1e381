"""Faults of the kernel's verifier that are no exhibits, and why."""

from __future__ import annotations

from typing import NamedTuple


class Absent(NamedTuple):
    """Some faults, by CVE or commit, and why no rule set shows them."""

    faults: str
    why: str


ABSENT = (
    Absent(
        "CVE-2020-27170, CVE-2020-27171, CVE-2021-29155, CVE-2021-33200",
        "limits of masks against speculation: every run that counts is right, and runs that the "
        "processor takes back are not modelled",
    ),
    Absent(
        "CVE-2021-45402 and its kind (3844d153a41a, 7be14c1c9030, a12ca6277eca)",
        "known numbers whose ranges were left wider than their bits: nothing false is believed "
        "of a number, and that a pointer then becomes one is no rule on values",
    ),
    Absent(
        "CVE-2017-17855, CVE-2023-2163, CVE-2026-43009, CVE-2026-53081, 1ffc85d9298e, "
        "345e004d0233, 2793a8b015f7",
        "which states are compared when a path is pruned, and how exactly: the walk decides "
        "it; the rules only say when one register stands for another",
    ),
    Absent(
        "CVE-2017-17856, CVE-2017-17857, CVE-2017-17862, CVE-2021-3489, CVE-2021-4204, "
        "CVE-2024-58098",
        "checks of the walk that were missing (stack, dead code, sizes and pointers that helpers "
        "get or change): no rule says anything of them",
    ),
)
