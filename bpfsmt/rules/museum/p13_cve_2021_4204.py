"""CVE-2021-4204: records that were given back by another address than their own."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/cve-2021-4204", "whole_records"),
    number="P13",
    title="a record is given back by an address inside it",
    cve="CVE-2021-4204",
    fix="64620e0a1e71",
    introduced="457f44363a88 (5.8)",
    bad="5.8 to 5.16",
    fixed="5.17, 5.16.11, 5.15",
    kind=PROGRAM,
    wrong="bpf_ringbuf_submit and bpf_ringbuf_discard find the header of a record just before "
    "it. That the pointer had been moved was not asked.",
    right="A pointer whose reference is released is one to which nothing was added.",
    caught=("safety", "run"),
)
