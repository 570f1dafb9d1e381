"""Captures: what is written is read again, and damage is found, wherever it is."""

from __future__ import annotations

import io
import random
import sys
from pathlib import Path

import dpkt
import pytest

from bpfsmt.errors import BpfsmtError, LoadError
from bpfsmt.network.capture import Captured, read_capture, write_capture
from bpfsmt.network.traffic import generate

FRAMES = [
    Captured(1_700_000_000_123_456_789 + 1001 * n, data)
    for n, data in enumerate(generate("mixed:12", seed=4))
]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "in.pcap"
    write_capture(path, FRAMES)
    return path


def refused(path: Path) -> str:
    """The one line with which a file is refused, without the path in front."""
    with pytest.raises(LoadError) as caught:
        read_capture(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line.removeprefix(f"{path}: ")


def test_round_trip_to_the_nanosecond(capture: Path) -> None:
    assert read_capture(capture) == FRAMES


def test_what_others_read(capture: Path) -> None:
    with capture.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        assert [data for _, data in reader] == [each.data for each in FRAMES]
        assert reader.datalink() == dpkt.pcap.DLT_EN10MB


def test_microseconds_and_pcapng(tmp_path: Path) -> None:
    path = tmp_path / "in.pcapng"
    for writer in (dpkt.pcap.Writer, dpkt.pcapng.Writer):
        with path.open("wb") as file:
            out = writer(file)
            for each in FRAMES:
                out.writepkt(each.data, each.time / 1e9)
        found = read_capture(path)
        assert [each.data for each in found] == [each.data for each in FRAMES]
        assert all(abs(a.time - b.time) < 2000 for a, b in zip(found, FRAMES, strict=True))


def test_every_cut_is_found(capture: Path) -> None:
    whole = capture.read_bytes()
    ends = [24]
    for each in FRAMES:
        ends.append(ends[-1] + 16 + len(each.data))
    for size in range(0, len(whole), 7):
        capture.write_bytes(whole[:size])
        if size in ends:
            assert read_capture(capture) == FRAMES[: ends.index(size)]
        else:
            assert "middle of a record" in refused(capture) or size < 4
    capture.write_bytes(whole[: ends[2] + 16])  # just behind a record's header
    assert "middle of a record" in refused(capture)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "too short for a capture"),
        (b"\x7fELF" + bytes(60), "neither pcap nor pcapng (begins with 7f454c46)"),
        (b"\n\r\r\n" + bytes(60), "no capture"),
    ],
)
def test_no_capture(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(content)
    assert why in refused(path)


def test_not_ethernet(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    with path.open("wb") as file:
        dpkt.pcap.Writer(file, linktype=101).writepkt(b"E" * 20, 1.0)
    assert refused(path) == "link type 101, frames must be Ethernet (1)"


def test_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.pcap") == "No such file or directory"
    assert refused(tmp_path) == "Is a directory"


def test_random_damage_gives_one_line_or_frames(tmp_path: Path) -> None:
    rng = random.Random(1)
    both = [io.BytesIO(), io.BytesIO()]
    for file, writer in zip(both, (dpkt.pcap.Writer, dpkt.pcapng.Writer), strict=True):
        out = writer(file)
        for each in FRAMES[:3]:
            out.writepkt(each.data, 1.5)
    path = tmp_path / "x.pcap"
    for _ in range(400):
        damaged = bytearray(rng.choice(both).getvalue())
        for _ in range(rng.randrange(1, 4)):
            damaged[rng.randrange(120)] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            read_capture(path)
        except LoadError as error:
            assert "\n" not in str(error)


def test_without_the_library(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dpkt", None)
    with pytest.raises(BpfsmtError, match=r"pip install 'bpfsmt\[packets\]'"):
        read_capture(capture)
