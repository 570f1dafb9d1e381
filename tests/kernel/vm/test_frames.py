"""The frames of the serial line: every damage is seen."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpfsmt.errors import OracleError
from bpfsmt.kernel.vm import frames


@given(st.integers(0, 2**32 - 1), st.integers(-(2**63), 2**63 - 1))
def test_an_answer_comes_back(number: int, result: int) -> None:
    assert frames.read_answer(frames.answer(number, result), number) == result


@given(st.data())
def test_one_flipped_bit_is_seen(data: st.DataObject) -> None:
    frame = bytearray(frames.answer(3, -22))
    bit = data.draw(st.integers(0, 8 * len(frame) - 1))
    frame[bit // 8] ^= 1 << bit % 8
    with pytest.raises(OracleError, match="damaged"):
        frames.read_answer(bytes(frame), 3)


def test_an_answer_to_something_else() -> None:
    with pytest.raises(OracleError, match="answer to request 2 came for request 3"):
        frames.read_answer(frames.answer(2, 0), 3)


def test_the_first_frame() -> None:
    body = struct.pack("<II72s", 2, 4096, b"6.12.1-amd64")
    frame = struct.pack("<II", 0x42504653, zlib.crc32(body)) + body
    assert len(frame) == frames.HELLO_BYTES
    assert frames.read_hello(frame) == frames.Hello(2, 4096, "6.12.1-amd64")
    with pytest.raises(OracleError, match="damaged"):
        frames.read_hello(frame[:-1] + b"x")
