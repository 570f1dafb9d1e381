"""Whatever the bytes are: programs or one line that says what is wrong, and soon."""

from __future__ import annotations

import random
import struct
import time
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bpfsmt.errors import BpfsmtError, LoadError
from bpfsmt.isa import Instruction
from bpfsmt.program import Object, Program, load_asm, load_elf, load_raw
from bpfsmt.program.elf import printable, read_image

from .build import EXIT, BtfBuilder, Elf, fixture, one_program

ORIGINALS = {name: fixture(name) for name in ("maps", "calls", "legacy", "refused")}
SECTION_HEADER = 64
# The values that lengths, offsets and indexes are most often wrong with.
EXTREMES = [0, 1, 7, 8, 0x7F, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 8, 2**64 - 1]

Edit = tuple[str, int, int]
edits = st.one_of(
    st.tuples(st.just("byte"), st.integers(0, 1 << 16), st.integers(0, 255)),
    st.tuples(st.just("word"), st.integers(0, 1 << 16), st.sampled_from(EXTREMES)),
    st.tuples(st.just("header"), st.integers(0, 1 << 16), st.sampled_from(EXTREMES)),
    st.tuples(st.just("cut"), st.integers(0, 1 << 16), st.just(0)),
)


def edited(data: bytes, changes: list[Edit]) -> bytes:
    """The data with changes: a byte, a word, a field of a section header, or a cut."""
    found = bytearray(data)
    (headers,) = struct.unpack_from("<Q", data, 40)
    for kind, place, value in changes:
        if len(found) < 8:
            break
        if kind == "cut":
            del found[place % len(found) :]
        elif kind == "byte":
            found[place % len(found)] = value
        elif kind == "word":
            start = place % (len(found) - 7) & ~3
            found[start : start + 4] = struct.pack("<I", value & 0xFFFFFFFF)
        else:
            # a section header: eight-byte fields at 8, 16, 24, 32 and 48, the words around
            count = (len(data) - headers) // SECTION_HEADER
            start = headers + place % count * SECTION_HEADER
            field = (8, 16, 24, 32, 48, 56, 0, 4, 40, 44)[place // count % 10]
            width = 4 if field in (0, 4, 40, 44) else 8
            packed = struct.pack("<Q", value)[:width]
            if start + field + width <= len(found):
                found[start + field : start + field + width] = packed
    return bytes(found)


def outcome(data: bytes) -> str:
    """Load; the error, or what came of it.  All but one line of `BpfsmtError` is a failure."""
    try:
        found = load_elf(data, "x.o")
    except BpfsmtError as error:
        message = str(error)
        assert message.startswith("x.o: ") and message.isprintable(), message
        return message
    assert_consistent(found)
    return "skipped" if found.skipped else "loaded"


def assert_consistent(found: Object) -> None:
    assert found.programs
    assert all(reason.isprintable() for _, reason in found.skipped)
    for program in found:
        for _, insn in program.instructions():
            if insn.is_ld_imm64 and insn.src in (1, 2):
                assert 0 <= insn.imm < len(program.maps)
            if insn.is_ld_imm64 and insn.src == 2:
                assert insn.next_imm < program.maps[insn.imm].value_size
        assert all(program.slots[start] is not None for start in program.functions)


@settings(max_examples=2000, deadline=2000, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(ORIGINALS)), st.lists(edits, min_size=1, max_size=6))
@example("maps", [("cut", 0, 0)])
@example("maps", [("cut", 70, 0)])
def test_changed_objects(name: str, changes: list[Edit]) -> None:
    outcome(edited(ORIGINALS[name], changes))


def test_single_bytes_and_cuts_end_in_every_way() -> None:
    """The same by plain chance; every kind of outcome is seen, so the test is no idle one."""
    chance = random.Random(1)
    seen: Counter[str] = Counter()
    for _ in range(1000):
        data = bytearray(ORIGINALS[chance.choice(sorted(ORIGINALS))])
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        if chance.random() < 0.1:
            del data[chance.randrange(len(data)) :]
        found = outcome(bytes(data))
        seen["refused" if found.startswith("x.o") else found] += 1
    assert min(seen[kind] for kind in ("loaded", "skipped", "refused")) > 50


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    for content in (data, b"\x7fELF" + data, b"\x7fELF\2\1\1" + bytes(9) + data):
        assert outcome(content).startswith("x.o: damaged ELF: ")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100))
def test_random_raw_bytes_and_text(data: bytes) -> None:
    calls: list[Callable[[], Program]] = [
        lambda: load_raw(data, "x"),
        lambda: load_asm(data.decode("latin-1"), "x"),
    ]
    for call in calls:
        try:
            call()
        except BpfsmtError as error:
            assert str(error).startswith("x:")
            assert len(str(error).splitlines()) == 1


def hostile() -> dict[str, tuple[bytes, str]]:
    """Objects made to take long or much, and what should come of each."""
    chance = random.Random(2).randbytes(10_000_000)
    ident = b"\x7fELF\2\1\1" + bytes(9)
    many = struct.pack("<HHIQQQIHHHHHH", 1, 247, 1, 0, 0, 64, 0, 64, 0, 0, 64, 0xFFFF, 1)
    found = {
        "random": (chance, "Magic number does not match"),
        "random after the magic": (b"\x7fELF" + chance, "Invalid EI_CLASS"),
        "one letter after the header": (ident + many + b"A" * 10_000_000, "section 0 reaches"),
        "headers of zeros": (ident + many + bytes(10_000_000), "a name lies outside"),
    }
    huge = one_program()
    huge.sections.append((".bss", 8, 3, b"", 0, 0, 0))
    data = bytearray(huge.bytes())
    (headers,) = struct.unpack_from("<Q", data, 40)
    struct.pack_into("<Q", data, headers + 2 * SECTION_HEADER + 32, 1 << 62)
    found["bss of 4 EiB"] = bytes(data), "larger than 64 MiB together"
    strings = one_program()
    strings.section(".BTF", btf_with_strings(b"A" * 9_000_000, 20_000))
    found["BTF strings without end"] = strings.bytes(), "loaded"
    types = one_program()
    types.section(".BTF", btf_with_strings(b"\0", 800_000))
    found["too many BTF types"] = types.bytes(), "more than 131072 BTF types"
    calls = Elf()
    body = calls.code("xdp", *[Instruction(0x85, src=1)] * 499, EXIT)
    for index in range(500):
        calls.symbol("f" * 900, body, 8 * index, 8)
    found["five hundred programs that call each other"] = calls.bytes(), "loaded"
    return found


def btf_with_strings(strings: bytes, types: int) -> bytes:
    btf = BtfBuilder()
    btf.types += b"".join(
        struct.pack("<III", i % len(strings), 8 << 24, 1) for i in range(types)
    )  # typedefs, every name elsewhere
    btf.strings = bytearray(strings)
    return btf.bytes()


HOSTILE = hostile()


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_objects_end_soon(what: str) -> None:
    data, expected = HOSTILE[what]
    begin = time.process_time()
    assert expected in outcome(data)
    assert time.process_time() - begin < 4


def test_more_than_a_file_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpfsmt.program.elf.MAX_BYTES", 1 << 20)
    with pytest.raises(LoadError, match="larger than 1 MiB"):
        load_elf(bytes(1 << 21), "x.o")
    big = one_program()
    for _ in range(3):
        big.section(".data", bytes(400_000))
    with pytest.raises(LoadError, match="larger than 1 MiB"):
        load_elf(big.bytes(), "x.o")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.o: damaged ELF: Magic number does not match"),
        (b"\x7fELF", "x.o: damaged ELF: Invalid EI_CLASS b''"),
        (ORIGINALS["maps"][:60], "x.o: damaged ELF: "),
        (ORIGINALS["maps"][:-1], "x.o: damaged ELF: a table reaches beyond the end of the file"),
    ],
)
def test_damage_is_named(data: bytes, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        load_elf(data, "x.o")
    assert str(caught.value).startswith(message)


def test_names_cannot_break_a_message() -> None:
    elf = one_program("x\ny")
    with pytest.raises(LoadError) as caught:
        load_elf(elf.bytes(), "x.o")
    assert str(caught.value).startswith(r"x.o: x\ny: main: section x\ny names no")
    assert printable("a\x1b[1m") == r"a\x1b[1m"


def test_every_fixture_is_read_whole() -> None:
    for data in ORIGINALS.values():
        image = read_image(data)
        assert image.section(".symtab") is not None and len(image.symbols) > 9
