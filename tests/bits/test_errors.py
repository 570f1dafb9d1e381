"""Whatever is outside the rule language is refused, with the line and what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bpfsmt.bits import (
    LinkedRules,
    RuleError,
    bit_length,
    div_trunc,
    record,
    rem_trunc,
    replace,
    rule,
    s32,
    s64,
    u8,
    u32,
    u64,
)
from bpfsmt.bits.rule import rule_from_text
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.rules import RuleSetError, load_rules, rule_set
from bpfsmt.rules.tnum import tnum_add, tnum_neg, tnum_sub


class NotRegistered(NamedTuple):
    """A record that no rule knows."""

    x: int


SCOPE: dict[str, Any] = {
    "u8": u8, "u32": u32, "u64": u64, "s32": s32, "s64": s64, "bit_length": bit_length,
    "div_trunc": div_trunc, "rem_trunc": rem_trunc, "replace": replace, "Tnum": Tnum,
    "Scalar": Scalar, "tnum_add": tnum_add, "NotRegistered": NotRegistered, "BIG": 1 << 64,
    "BAD_TNUM": Tnum(-1, 0), "FOREIGN": NotRegistered(1), "LIMIT": 7, "print": print,
}  # fmt: skip

HEAD = "def f(a: u64, b: u64, s: s64, n: u32, t: Tnum, c: bool) -> u64:\n"

BODIES = {
    # types
    "return a + s": "mixes s64 and u64: cast one side",
    "return a + n": "mixes u32 and u64: cast one side",
    "return u64(a < s)": "mixes s64 and u64",
    "return min(a, n)": "mixes u32 and u64",
    "return s": "`s` is s64, not u64: write u64(...)",
    "return t": "`t` is Tnum, not u64",
    "return a if c else s": "the two sides are u64 and s64",
    "return a if a else b": "`a` is u64, not bool",
    "return u64(c and a)": "`a` is u64, not bool",
    "return u64(not a)": "`a` is u64, not bool",
    "return a + c": "`c` is bool, not a word",
    "return u64(t)": "Tnum cannot be cast to u64",
    "return u64(t < t)": "Tnum has no order: compare its fields",
    "return u64(c < c)": "bool has no order",
    "return u64(bool(a))": "bool(...) is no cast here: write x != 0, u64(x) and so on",
    "return u64(int(a))": "int(...) is no cast here",
    "a = s\n return a": "a is u64 and cannot become s64: cast, or use a new name",
    "for i in range(3):\n  a = s\n return a": "a is u64 and cannot become s64",
    "if c:\n  x = a\n else:\n  x = s\n return a": "x gets a different type on the two sides",
    # numbers
    "return -1": "-1 does not fit u64: write u64(-1) to wrap it",
    "return ~0": "-1 does not fit u64",
    "return a + 0x1_0000_0000_0000_0000": "18446744073709551616 does not fit u64",
    "return a + BIG": "18446744073709551616 does not fit u64",
    "return u64(n + 4294967296)": "4294967296 does not fit u32",
    "return u64(s + 9223372036854775808)": "9223372036854775808 does not fit s64",
    "return a << -1": "-1 does not fit u64",
    "x = 5\n return a": "say the type of this constant: x: u64 = 5",
    "x = 1 if c else 2\n return a": "say the type of these constants",
    "return u64(1 < 2)": "compares two constants: remove it",
    "return a + 1 // 0": "`1 // 0` has no value",
    "return a + (1 << -1)": "`1 << -1` has no value",
    "return min(1, 2)": "min of constants only: compute the number yourself",
    "return BAD_TNUM.value": "-1 does not fit u64",
    "return u64(c == 1)": "the number 1 is no bool",
    # operators
    "return u64(s // 2)": "signed division: write div_trunc(a, b)",
    "return u64(s % 2)": "signed division: write rem_trunc(a, b)",
    "return div_trunc(a, b)": "div_trunc is for signed words: use // or % on u64",
    "return rem_trunc(a, b)": "rem_trunc is for signed words",
    "return u64(bit_length(s))": "bit_length is for unsigned words",
    "return bit_length(a, b)": "bit_length takes 1 plain arguments",
    "return a / b": "this operator is outside the rule language",
    "return a ** 2": "this operator is outside the rule language",
    "return a << n": "the shift count is u32: write u64(...)",
    "return u64(s << s)": "the shift count is s64: write u64(...)",
    "return u64(a in b)": "compare words with ==",
    "return a @ b": "this operator is outside the rule language",
    # statements
    "while c:\n  a = a + 1\n return a": "no while in a rule: use `for i in range(64)` and break",
    "for i in range(4):\n  return a\n return b": "return inside a loop",
    "for i in range(4):\n  if c:\n   return a\n return b": "return inside a loop",
    "for i in range(4):\n  if c:\n   a = b\n   break\n return b": "break is no statement",
    "for i in range(4):\n  if c:\n   if c:\n    break\n return b": "break is no statement",
    "for i in range(a):\n  b = a\n return b": "with a constant count",
    "for i in t:\n  b = a\n return b": "with a constant count",
    "return a\n return b": "this statement is never reached: remove it",
    "if c:\n  return a\n else:\n  return b\n return a": "never reached",
    "if c:\n  return a": "not every path returns",
    "x = a": "not every path returns",
    "return": "return is no statement of a rule",
    "import os\n return a": "import is no statement of a rule",
    "a + b\n return a": "expr is no statement of a rule",
    "break\n return a": "break is no statement of a rule",
    "t.value = a\n return a": "assign to a plain name",
    "x, y = a\n return a": "assign to a plain name",
    "x, y = a, b, a\n return a": "into 3 plain names",
    # names, calls, records
    "return nothing": "nothing has no value here",
    "if c:\n  x = a\n return x": "x has no value here (on every path?)",
    "for i in range(2):\n  x = a\n return x": "x has no value here",
    "y = LIMIT\n LIMIT = a\n return a": "LIMIT has no value here",
    "return FOREIGN.x": "FOREIGN is no constant of the rule language",
    "return t.bits": "Tnum has no field bits: it has value, mask",
    "return a.value": "`a` is u64 and has no fields",
    "return 5 .real": "`5` is a number and has no fields",
    "return replace(t, bits=a).value": "Tnum has no field bits",
    "return replace(a, value=a)": "write replace(record, field=value, ...)",
    "return replace(t, value=s).value": "`s` is s64, not u64",
    "return Tnum(a).value": "Tnum takes (value: u64, mask: u64)",
    "return Tnum(a, mask=b, value=a).value": "Tnum takes (value: u64, mask: u64)",
    "return NotRegistered(a).x": "NotRegistered is no record: decorate it with @record",
    "return tnum_add(t).value": "tnum_add takes (a: Tnum, b: Tnum)",
    "return tnum_add(t, a).value": "`a` is u64, not Tnum",
    "return f(a, b, s, n, t, c)": "f calls itself: rules have no recursion",
    "return print(a)": "print is no rule here: define it before, with @rule",
    "return missing(a)": "missing is no rule here",
    "return a(b)": "a is a variable here and cannot be called",
    "return u64(a, b)": "a cast takes one value: u64(x)",
    "return (lambda x: x)(a)": "is outside the rule language",
    "return [a][0]": "is outside the rule language",
    "return u64('a')": "is outside the rule language",
    "return t.value.bit_length()": "is outside the rule language",
}


@pytest.mark.parametrize("body", BODIES)
def test_body(body: str) -> None:
    """The message is as stated, in one line that points into the body (or at the head)."""
    text = f"{HEAD} {body}\n"
    with pytest.raises(RuleError) as e:
        rule_from_text(text, SCOPE, "body.rule")
    message = str(e.value)
    assert BODIES[body] in message
    assert "\n" not in message
    place, line, _ = message.split(":", 2)
    assert place == "body.rule"
    last = 1 + len(body.split("\n"))
    first = 1 if "not every path" in message else 2
    assert first <= int(line) <= last


HEADS = {
    "def f(a) -> u64:\n return a": (1, "say the type of every parameter and result"),
    "def f(a: u64):\n return a": (1, "say the type of every parameter and result"),
    "def f(a: int) -> u64:\n return 1": (1, "int is no type here: use u64"),
    "def f(a: u64 = 1) -> u64:\n return a": (1, "plain parameters without defaults"),
    "def f(*a: u64) -> u64:\n return 1": (1, "plain parameters without defaults"),
    "def f(*, a: u64) -> u64:\n return a": (1, "plain parameters without defaults"),
    "def f(a: u64, /) -> u64:\n return a": (1, "plain parameters without defaults"),
    "async def f(a: u64) -> u64:\n return a": (1, "a rule is a plain function"),
    "class f:\n x = 1": (1, "a rule is a plain function"),
    "x = 1": (1, "a rule is a plain function"),
    "def f(a: u64) -> u64:\n return a +": (2, "invalid syntax"),
    "# what\n\n@rule\ndef f(a: u64) -> u64:\n\n return a + s64(1)": (6, "mixes s64 and u64"),
    "def f(x: u64) -> u64:\n for i in range(3):\n  if x > i:\n   return x\n return x": (
        4,
        "return inside a loop",
    ),
    "def f(\n a: u64,\n b: s32,\n) -> u64:\n x = a\n return x + b": (6, "mixes s32 and u64"),
}


@pytest.mark.parametrize("text", HEADS)
def test_head_and_line(text: str) -> None:
    line, what = HEADS[text]
    with pytest.raises(RuleError) as e:
        rule_from_text(text, SCOPE, "head.rule")
    assert str(e.value).startswith(f"head.rule:{line}: ")
    assert what in str(e.value)


def test_line_of_a_decorated_function_in_a_file() -> None:
    """The decorator, the indentation and the comments before the error count."""
    with pytest.raises(RuleError) as e:

        @rule
        def wrong(a: u64, b: s64) -> u64:
            """Docstring."""
            x = a
            # A comment.
            return x + b  # type: ignore[no-any-return, unused-ignore]  # here

    place, line, message = str(e.value).split(":", 2)
    assert place == __file__
    assert "# here" in Path(__file__).read_text().splitlines()[int(line) - 1]
    assert "`x + b` mixes s64 and u64" in message


def test_a_lambda_is_no_rule() -> None:
    with pytest.raises(RuleError, match="a rule is a plain function"):
        rule(lambda a: a)


def test_record_fields_must_have_types_of_the_language() -> None:
    with pytest.raises(TypeError, match="no type of the rule language"):
        record(NotRegistered)


def test_override_must_have_the_same_signature() -> None:
    text = "def tnum_neg(a: Tnum, b: Tnum) -> Tnum:\n return a"
    other = rule_from_text(text, SCOPE, "mine.py")
    with pytest.raises(RuleError, match=r"mine\.py:1: tnum_neg must be <rule tnum_neg\(a: Tnum\)"):
        rule_set("xdp-paper").derive("mine", other)
    renamed = rule_from_text("def tnum_neg(b: Tnum) -> Tnum:\n return b", SCOPE, "mine.py")
    with pytest.raises(RuleError, match=r"mine\.py:1: tnum_neg must be <rule tnum_neg\(a: Tnum\)"):
        rule_set("xdp-paper").derive("mine", renamed)
    with pytest.raises(RuleError, match=r"mine\.py:1: tnum_neg must be .* as byte calls it"):
        LinkedRules([other, _caller_of_neg()])


def _caller_of_neg() -> Any:
    text = "def byte(a: Tnum) -> Tnum:\n return tnum_neg(a)"
    return rule_from_text(text, {**SCOPE, "tnum_neg": tnum_neg})


def test_override_must_be_known() -> None:
    text = "def tnum_ad(a: Tnum, b: Tnum) -> Tnum:\n return a"
    with pytest.raises(RuleSetError, match="no rule tnum_ad: did you mean tnum_a"):
        rule_set("xdp-paper").derive("mine", rule_from_text(text, SCOPE))


def test_override_must_not_close_a_cycle() -> None:
    """tnum_neg calls tnum_sub, so a tnum_sub that calls tnum_neg would never end."""
    text = "def tnum_sub(a: Tnum, b: Tnum) -> Tnum:\n return tnum_add(a, tnum_neg(b))"
    other = rule_from_text(text, {**SCOPE, "tnum_neg": tnum_neg}, "mine.py")
    with pytest.raises(RuleError, match=r"rules call each other: tnum_\w+ -> tnum_\w+ -> tnum_"):
        _ = rule_set("xdp-paper").derive("mine", other).linked
    assert tnum_sub.name in tnum_neg.callees


def test_override_that_calls_what_it_replaces() -> None:
    text = "def tnum_add(a: Tnum, b: Tnum) -> Tnum:\n return tnum_add(b, a)"
    other = rule_from_text(text, SCOPE, "mine.py")
    with pytest.raises(RuleError, match=r"mine\.py:1: .*tnum_add -> tnum_add"):
        _ = rule_set("xdp-paper").derive("mine", other).linked


def test_user_file_with_an_error_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "my_rules.py"
    path.write_text(
        "from bpfsmt.bits import rule, s64, u64\n"
        "from bpfsmt.rules import rule_set\n\n\n"
        "@rule\n"
        "def tnum_umax(a: u64) -> s64:\n"
        "    return a\n"
    )
    with pytest.raises(RuleError) as e:
        load_rules(str(path))
    assert str(e.value).startswith(f"{path}:7: `a` is u64, not s64")
