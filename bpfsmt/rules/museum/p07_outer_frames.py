"""What mattered in the caller was not told to a path that ended in a function (up to 6.3)."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/p07-outer-frames", "outer_frames"),
    number="P07",
    title="what matters in the frame of a caller is not told",
    fix="f655badf2a8f",
    introduced="529409ea92d5 (6.2)",
    bad="up to 6.3",
    fixed="6.4",
    kind=PROGRAM,
    wrong="Where a path ends in an explored state, what has mattered there has to matter on the "
    "path as well. Of the frames of callers this was not told, or not looked for far enough, so "
    "that a third path could end in states of the second.",
    right="Registers and stack slots of all frames are looked for together.",
    caught=("inductive", "global", "safety", "run"),
    limits="Between 6.2 and 6.3 the frames of callers were gone through, but each by itself, and "
    "the search did not reach beyond the call; here they are left out, as before.",
)
