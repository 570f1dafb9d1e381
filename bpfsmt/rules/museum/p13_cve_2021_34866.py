"""CVE-2021-34866: helpers for ring buffers that took any map."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/cve-2021-34866", "ring_maps"),
    number="P13",
    title="a helper for ring buffers takes any map",
    cve="CVE-2021-34866",
    fix="5b029a32cfe4",
    introduced="457f44363a88 (5.8)",
    bad="5.8 to 5.13",
    fixed="5.14, 5.10.61",
    kind=PROGRAM,
    wrong="Which helpers a map may be given to is asked in two tables, by map and by helper. The "
    "second had no line for the helpers of ring buffers, which took the memory of any map for a "
    "ring buffer.",
    right="bpf_ringbuf_reserve, bpf_ringbuf_output and bpf_ringbuf_query take ring buffers only.",
    caught=("safety", "run"),
)
