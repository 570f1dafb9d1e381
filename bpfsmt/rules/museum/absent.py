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
        "CVE-2017-17855",
        "a pointer stood for a number of which nothing was known: its address is just such a "
        "number, and that programs without privileges must not learn it is not modelled",
    ),
    Absent(
        "CVE-2017-17862",
        "branches that are never taken were not walked, but compiled: that they are never taken "
        "is true, and what a compiler makes of instructions that cannot be is not modelled",
    ),
    Absent(
        "CVE-2021-3489",
        "a ring buffer gave out records larger than itself: what the verifier says of a record "
        "is what the helper promises",
    ),
    Absent(
        "CVE-2022-2785, CVE-2023-39191, CVE-2024-58100, ab5cfac139ab, d84b1a6708ee",
        "programs that make system calls or replace others, dynptrs, and functions that helpers "
        "call are not modelled",
    ),
    Absent(
        "cc52d9140aa9",
        "a tail call with a known index becomes a jump to the program that is there: the kernel "
        "claims that index, the walk's claims have no place for it",
    ),
)
