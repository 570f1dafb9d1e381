"""The size of a record of a ring buffer that did not matter (up to 5.19)."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/p07-alloc-size", "alloc_sizes"),
    number="P07",
    title="the size of a reserved record is not taken to matter",
    fix="2fc31465c537",
    introduced="457f44363a88 (5.8)",
    bad="5.8 to 5.19",
    fixed="6.0-rc4; 5.15 and other stable releases",
    kind=PROGRAM,
    wrong="How large a record is that bpf_ringbuf_reserve gives depends on its second argument, "
    "which was not marked. A path that reserved less ended where one with a larger record had "
    "gone on.",
    right="The argument is marked, as all sizes are.",
    caught=("inductive", "global", "safety", "run"),
)
