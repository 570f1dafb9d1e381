"""CVE-2022-2905: an index was compared with a tnum around the range instead of the range."""

from __future__ import annotations

from bpfsmt.bits import rule, u32, u64
from bpfsmt.domain.scalar import Tnum
from bpfsmt.rules.linux.v6_18 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.tnum import tnum_in, tnum_range


@rule
def index_known(index: Tnum, entries: u32) -> bool:
    """index is one number in range, as Linux 5.19 asked it (``record_func_key``)."""
    return index.mask == 0 and tnum_in(tnum_range(0, u64(entries) - 1), index)


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2022-2905", index_known),
    number="A21",
    title="tnum_range taken for an exact range",
    cve="CVE-2022-2905",
    fix="a657182a5c51",
    bad="5.5 to 5.19",
    fixed="6.0",
    kind="predicate",
    wrong="A known tail call index was taken to be in range if tnum_range(0, entries - 1) contains "
    "it. That tnum contains everything up to the next power of two.",
    right="The index is compared with the number of entries.",
    refuted=("index_known/in range",),
    limits="The jump that the JIT emitted for such a tail call is not modelled. The program shows "
    "the same test where Linux 6.14 and later ask it of a lookup that cannot fail.",
)
