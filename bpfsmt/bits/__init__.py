"""Fixed-width words, and the ``@rule`` compiler: one text that runs on ints and is proved on terms.

A rule is a small typed Python function.  From its one text two things are made: code on
Python ints (fast, wraps put in) and a Z3 term (``if`` becomes if-then-else).  What
analyses programs is therefore what is proved.
"""

from bpfsmt.bits.lang import bit_length, div_trunc, rem_trunc, replace
from bpfsmt.bits.rule import LinkedRules, Rule, rule
from bpfsmt.bits.source import RuleError
from bpfsmt.bits.types import record
from bpfsmt.bits.words import (
    S32_MAX,
    S32_MIN,
    S64_MAX,
    S64_MIN,
    U32_MAX,
    U64_MAX,
    Word,
    s8,
    s16,
    s32,
    s64,
    u8,
    u16,
    u32,
    u64,
)

__all__ = [
    "S32_MAX",
    "S32_MIN",
    "S64_MAX",
    "S64_MIN",
    "U32_MAX",
    "U64_MAX",
    "LinkedRules",
    "Rule",
    "RuleError",
    "Word",
    "bit_length",
    "div_trunc",
    "record",
    "rem_trunc",
    "replace",
    "rule",
    "s8",
    "s16",
    "s32",
    "s64",
    "u8",
    "u16",
    "u32",
    "u64",
]
