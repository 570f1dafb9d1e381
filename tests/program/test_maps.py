"""Map definitions: what BTF and the legacy section say, and what a kernel would refuse."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from bpfsmt.errors import LoadError
from bpfsmt.program import MapDef, check_map, load_elf
from bpfsmt.program.maptypes import MAP_TYPES, map_type_name

from .build import EXIT, LD_IMM64, OBJECT, R_64_64, BtfBuilder, Elf, one_program


def with_map(btf: bytes | None, size: int = 8) -> Elf:
    """An object whose program uses the map ``m`` of section ``.maps``."""
    elf = one_program("xdp", LD_IMM64, EXIT)
    elf.relocate(1, 0, elf.symbol("m", elf.section(".maps", bytes(8)), 0, size, OBJECT), R_64_64)
    if btf is not None:
        elf.section(".BTF", btf)
    return elf


def define(attributes: Callable[[BtfBuilder], dict[str, int]]) -> MapDef:
    """The map whose struct has these members."""
    btf = BtfBuilder()
    struct_type = btf.struct(**attributes(btf))
    btf.datasec(".maps", btf.variable("m", struct_type))
    (program,) = load_elf(with_map(btf.bytes()).bytes(), "x.o")
    return program.maps[0]


def numbers(**values: int) -> Callable[[BtfBuilder], dict[str, int]]:
    return lambda btf: {name: btf.number(value) for name, value in values.items()}


HASH = {"type": 1, "key_size": 4, "value_size": 8, "max_entries": 16}


def test_every_number_of_a_map() -> None:
    definition = define(numbers(**HASH, map_flags=1, pinning=1, numa_node=0, map_extra=3))
    assert definition == MapDef("m", "hash", 4, 8, 16, flags=1)


def test_sizes_from_types() -> None:
    def attributes(btf: BtfBuilder) -> dict[str, int]:
        word = btf.integer(4)
        typedef = btf.add(8, btf.array(word, 5), name="five")
        value = btf.struct(a=word, b=word, c=word)
        sizes = {"key": btf.pointer(btf.add(10, typedef)), "value": btf.pointer(value)}
        return numbers(type=1, max_entries=16, key_size=20)(btf) | sizes

    assert define(attributes) == MapDef("m", "hash", 20, 24, 16)


def test_a_number_as_an_enumerator() -> None:
    def attributes(btf: BtfBuilder) -> dict[str, int]:
        both = {"map_extra": btf.add(19, 8, btf.string("x"), 5, 1, members=1)}
        both["max_entries"] = btf.add(6, 4, btf.string("y"), 7, members=1)
        return numbers(type=1, key_size=4, value_size=8)(btf) | both

    assert define(attributes).max_entries == 7


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (numbers(**HASH, colour=3), "map m: attribute colour is not known"),
        (numbers(**HASH | {"type": 0}), "map m: map type 0 is not known"),
        (numbers(**HASH | {"type": 999}), "map m: map type 999 is not known"),
        (numbers(**HASH, pinning=2), "map m: pinning 2 is not known"),
        (numbers(**HASH | {"max_entries": 0}), "map m (hash): max_entries must be more than 0"),
        (lambda b: {"type": b.integer()}, "map m: type: its BTF type is INT, not PTR"),
        (lambda b: {"type": b.pointer(b.integer())}, "map m: type: its BTF type is INT, not ARRAY"),
        (lambda b: {"key": b.pointer(0)}, "damaged BTF: no type 0"),
        (lambda b: {"key": b.pointer(99)}, "damaged BTF: no type 99"),
        (lambda b: {"key": b.integer()}, "map m: key: its BTF type is INT, not PTR"),
        (lambda b: {"key": b.pointer(b.add(7, 0, name="f"))}, "BTF type f has no size"),
        (
            lambda b: {"key_size": b.number(5), "key": b.pointer(b.integer())},
            "map m: key_size is 5 and also 4",
        ),
        (
            lambda b: numbers(**HASH)(b) | {"values": b.array(b.pointer(b.struct()), 0)},
            "map m: values of this kind do not go into a map of type hash",
        ),
        (
            lambda b: numbers(type=12, key_size=4, max_entries=1)(b),
            "map m (array_of_maps): value_size must be 4, is 0",
        ),
        (
            lambda b: numbers(type=12, key_size=4, value_size=4, max_entries=1)(b),
            "map m (array_of_maps): does not say which maps it holds",
        ),
    ],
)
def test_attributes_that_make_no_map(
    attributes: Callable[[BtfBuilder], dict[str, int]], message: str
) -> None:
    with pytest.raises(LoadError) as caught:
        define(attributes)
    assert str(caught.value).startswith(f"x.o: {message}")


def test_maps_without_btf_or_unknown_to_it() -> None:
    with pytest.raises(LoadError, match=r"section \.maps needs BTF, and the object has none"):
        load_elf(with_map(None).bytes(), "x.o")
    with pytest.raises(LoadError, match=r"map m: BTF has no such variable in \.maps"):
        load_elf(with_map(BtfBuilder().bytes()).bytes(), "x.o")
    with pytest.raises(LoadError, match=r"map m does not fit into section \.maps"):
        load_elf(with_map(BtfBuilder().bytes(), size=9).bytes(), "x.o")


def test_types_that_refer_to_themselves() -> None:
    loops = BtfBuilder()
    loops.datasec(".maps", loops.variable("m", loops.add(8, 1, name="self")))
    with pytest.raises(LoadError, match="damaged BTF: type 1 is nested too deeply"):
        load_elf(with_map(loops.bytes()).bytes(), "x.o")


def test_arrays_that_contain_themselves() -> None:
    with pytest.raises(LoadError, match="damaged BTF: type 1 is nested too deeply"):
        define(lambda b: {"key": b.pointer(b.array(1, 2))})


@pytest.mark.parametrize("extra", [-4, 4, 8])
def test_legacy_maps_are_five_numbers(extra: int) -> None:
    elf = one_program("xdp", LD_IMM64, EXIT)
    data = (struct.pack("<IIIII", 2, 4, 8, 1, 0) + bytes(8))[: 20 + extra]
    elf.symbol("old", elf.section("maps", data), 0, len(data), OBJECT)
    elf.relocate(1, 0, 2, R_64_64)
    if extra > 0:  # more numbers are fine while they are 0
        assert load_elf(elf.bytes(), "x.o").programs[0].maps == (MapDef("old", "array", 4, 8, 1),)
        elf.sections[1] = ("maps", 1, 2, data[:-1] + b"\1", 0, 0, 0)
    with pytest.raises(LoadError, match="map old: section maps holds definitions of five numbers"):
        load_elf(elf.bytes(), "x.o")


GOOD = [
    MapDef("m", "hash", 1, 1, 1),
    MapDef("m", "perf_event_array", 4, 4, 0),
    MapDef("m", "lpm_trie", 8, 4, 10, flags=1),
    MapDef("m", "queue", 0, 4, 10),
    MapDef("m", "ringbuf", 0, 0, 4096),
    MapDef("m", "sk_storage", 4, 8, 0, flags=1),
    MapDef("m", "stack_trace", 4, 80, 1),
    MapDef("m", "devmap", 4, 8, 1),
]
BAD = [
    (MapDef("m", "nonsense", 4, 4, 1), "no such map type"),
    (MapDef("m", "unspec", 4, 4, 1), "no such map type"),
    (MapDef("m", "hash", 0, 4, 1), "key_size must be more than 0, is 0"),
    (MapDef("m", "array", 4, 0, 1), "value_size must be more than 0, is 0"),
    (MapDef("m", "array", 4, 4, 0), "max_entries must be more than 0, is 0"),
    (MapDef("m", "array", 4, 4, 2**32), "max_entries 4294967296 does not fit into 32 bits"),
    (MapDef("m", "array", 4, 4, -1), "max_entries -1 does not fit into 32 bits"),
    (MapDef("m", "array", 4, 4, 1, flags=-1), "map_flags -1 do not fit into 32 bits"),
    (MapDef("m", "array", 4, -4, 1), "value_size must be 1..4294967295, is -4"),
    (MapDef("m", "percpu_array", 4, 40000, 1), "value_size must be 1..32768, is 40000"),
    (MapDef("m", "prog_array", 4, 8, 1), "value_size must be 4, is 8"),
    (MapDef("m", "devmap", 4, 12, 1), "value_size must be 4 or 8, is 12"),
    (MapDef("m", "stack_trace", 4, 12, 1), "value_size must be 8..4294967288 in steps of 8, is 12"),
    (MapDef("m", "lpm_trie", 4, 4, 1, flags=1), "key_size must be 5..260, is 4"),
    (MapDef("m", "lpm_trie", 8, 4, 1), "map_flags must contain BPF_F_NO_PREALLOC (1), are 0"),
    (MapDef("m", "array", 4, 4, 1, 1), "map_flags must not contain BPF_F_NO_PREALLOC (1), are 1"),
    (MapDef("m", "sk_storage", 4, 4, 1, flags=1), "max_entries must be 0, is 1"),
    (MapDef("m", "array", 4, 4, 1, data=b"x"), "1 bytes of data for a value of 4"),
    (MapDef("m", "array", 4, 4, 1, inner=GOOD[0]), "is no map of maps, but has an inner map"),
    (MapDef("m", "array_of_maps", 4, 4, 1), "does not say which maps it holds"),
    (
        MapDef("m", "hash_of_maps", 4, 4, 1, inner=MapDef("i", "array_of_maps", 4, 4, 1)),
        "its inner map i is a map of maps, too",
    ),
]


@pytest.mark.parametrize("definition", GOOD)
def test_maps_that_a_kernel_creates(definition: MapDef) -> None:
    assert check_map(definition) is definition


@pytest.mark.parametrize(("definition", "problem"), BAD)
def test_maps_that_a_kernel_refuses(definition: MapDef, problem: str) -> None:
    with pytest.raises(LoadError) as caught:
        check_map(definition)
    assert str(caught.value) == f"map m ({definition.type}): {problem}"


def test_the_inner_map_is_checked_too() -> None:
    with pytest.raises(LoadError, match=r"^map i \(array\): key_size must be 4, is 3$"):
        check_map(MapDef("m", "array_of_maps", 4, 4, 1, inner=MapDef("i", "array", 3, 4, 1)))


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (1, "hash"),
        (3, "prog_array"),
        (11, "lpm_trie"),
        (16, "cpumap"),
        (22, "queue"),
        (27, "ringbuf"),
        (30, "bloom_filter"),
        (33, "arena"),
    ],
)
def test_map_type_numbers(number: int, name: str) -> None:
    assert map_type_name(number) == name


def test_every_map_type_has_its_conditions() -> None:
    for name in MAP_TYPES[1:]:
        with pytest.raises(LoadError) as caught:
            check_map(MapDef("m", name, 4, -1, 1))
        assert "no such map type" not in str(caught.value)
