"""Bytes as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from bpfsmt.errors import BpfsmtError
from bpfsmt.network.notation import to_bytes


@pytest.mark.parametrize(
    ("written", "size", "data"),
    [
        (5, 4, "05000000"),
        (0xFFFF, 2, "ffff"),
        ("0a 00 00 01", 4, "0a000001"),
        ("0x0a000001", 4, "0a000001"),
        ("10", 1, "10"),
        ("10.0.0.1", 4, "0a000001"),
        ("fe80::1", 16, "fe80" + "00" * 13 + "01"),
        ("02:00:00:00:00:01", 6, "020000000001"),
        ("u32:10", 4, "0a000000"),
        ("be32:0x10", 4, "00000010"),
        ("zero:3", 3, "000000"),
        (["u32:24", "10.1.0.0"], 8, "180000000a010000"),
        ([1, 2, "be16:80", "zero:1"], 5, "0102005000"),
    ],
)
def test_bytes(written: Any, size: int, data: str) -> None:
    assert to_bytes(written, size).hex() == data


@pytest.mark.parametrize(
    ("written", "size", "why"),
    [
        (256, 1, "256 is no unsigned number of 8 bits"),
        (-1, 4, "-1 is no unsigned number of 32 bits"),
        ("10.0.0.1", 6, "'10.0.0.1' has 4 bytes, not 6"),
        ("be16:70000", 2, "70000 is no unsigned number of 16 bits"),
        ([300], 1, "300 is no unsigned number of 8 bits"),
        ("ten", 1, "'ten' is no number, bytes"),
        ("123", 2, "'123' is no number, bytes"),
        (True, 1, "True is no number, bytes"),
        (None, 1, "None is no number, bytes"),
        ({}, 1, "{} is no number, bytes"),
        (1.5, 1, "1.5 is no number, bytes"),
    ],
)
def test_no_bytes(written: Any, size: int, why: str) -> None:
    with pytest.raises(BpfsmtError) as caught:
        to_bytes(written, size)
    assert str(caught.value).startswith(why)
