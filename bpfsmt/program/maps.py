"""The maps that an ELF object defines, in any of the ways there are.

- ``.maps``: structs whose member *types* carry the attributes, read from BTF (a number ``n``
  as ``int (*)[n]``, a type as a pointer to it);
- ``maps`` and ``maps/...``: five numbers each, as before BTF;
- ``.rodata``, ``.data``, ``.bss`` (also ``.rodata.str`` and so on): global variables, all
  those of a section as the one value of one array.

Raises `LoadError` naming the map for a definition that the kernel would refuse.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bpfsmt.errors import LoadError
from bpfsmt.program.btf import Btf, BtfType, Kind
from bpfsmt.program.elf import Image, Section, Symbol
from bpfsmt.program.maptypes import (
    MAPS_OF_MAPS,
    RDONLY_PROG,
    check_map,
    map_type_name,
)
from bpfsmt.program.program import MapDef

_FILE_DESCRIPTOR_BYTES = 4
_LEGACY = struct.Struct("<IIIII")
_NUMBERS = frozenset(
    {"type", "key_size", "value_size", "max_entries", "map_flags", "pinning", "numa_node"}
    | {"map_extra"}
)
_TYPES = {"key": "key_size", "value": "value_size"}


@dataclass(frozen=True, slots=True)
class MapSymbol:
    """A map and where the object has it: section and byte in it.

    ``is_data`` says that a reference is to a place inside the map's value, not to the map.
    """

    definition: MapDef
    section: int
    offset: int
    is_data: bool = False


def read_maps(image: Image, btf: Btf | None) -> tuple[MapSymbol, ...]:
    """All maps of the object, by section and then by place in it."""
    symbols = defaultdict(list)
    for symbol in image.symbols:
        if symbol.type == "STT_OBJECT" and symbol.section is not None:
            symbols[symbol.section].append(symbol)
    found: list[MapSymbol] = []
    for section in image.sections:
        variables = sorted(symbols[section.index], key=lambda symbol: symbol.value)
        if section.name == ".maps":
            found += _btf_maps(section, _in_place(section, variables), btf)
        elif section.name.split("/")[0] == "maps":
            found += _legacy_maps(section, _in_place(section, variables))
        elif is_data_section(section.name) and section.size:
            found.append(_data_map(section))
    return tuple(found)


def is_data_section(name: str) -> bool:
    """Whether a section of that name holds global variables.

    >>> is_data_section(".rodata.str1.1"), is_data_section(".data"), is_data_section(".text")
    (True, True, False)
    """
    return any(name == base or name.startswith(base + ".") for base in (".rodata", ".data", ".bss"))


def _data_map(section: Section) -> MapSymbol:
    frozen = section.name.startswith(".rodata")
    definition = MapDef(
        name=section.name,
        type="array",
        key_size=4,
        value_size=section.size,
        max_entries=1,
        flags=RDONLY_PROG if frozen else 0,
        data=section.data,
        frozen=frozen,
    )
    return MapSymbol(check_map(definition), section.index, 0, is_data=True)


def _in_place(section: Section, variables: list[Symbol]) -> list[Symbol]:
    """The variables of a section; `LoadError` if they overlap or reach beyond it."""
    end = 0
    for symbol in variables:
        if symbol.value < end or symbol.value + symbol.size > section.size or not symbol.size:
            raise LoadError(f"map {symbol.name} does not fit into section {section.name}")
        end = symbol.value + symbol.size
    return variables


def _legacy_maps(section: Section, symbols: list[Symbol]) -> list[MapSymbol]:
    data = section.data
    found = []
    for symbol in symbols:
        content = data[symbol.value : symbol.value + symbol.size]
        if len(content) < _LEGACY.size or any(content[_LEGACY.size :]):
            raise LoadError(
                f"map {symbol.name}: section {section.name} holds definitions of five numbers, "
                f"this one has more or fewer"
            )
        number, key_size, value_size, max_entries, flags = _LEGACY.unpack_from(content)
        kind = _named(symbol.name, number)
        definition = MapDef(symbol.name, kind, key_size, value_size, max_entries, flags)
        found.append(MapSymbol(check_map(definition), section.index, symbol.value))
    return found


def _btf_maps(section: Section, symbols: list[Symbol], btf: Btf | None) -> list[MapSymbol]:
    if btf is None:
        raise LoadError("section .maps needs BTF, and the object has none (compile with -g)")
    variables = btf.variables(section.name)
    found = []
    for symbol in symbols:
        if symbol.name not in variables:
            raise LoadError(f"map {symbol.name}: BTF has no such variable in .maps")
        definition = _btf_map(btf, symbol.name, variables[symbol.name])
        found.append(MapSymbol(check_map(definition), section.index, symbol.value))
    return found


def _btf_map(btf: Btf, name: str, type_id: int, *, is_inner: bool = False) -> MapDef:
    """The map that a variable (or an inner definition) of this type defines, unchecked."""
    definition = btf.resolve(type_id)
    if definition.kind is not Kind.STRUCT:
        raise LoadError(f"map {name}: its BTF type is no struct")
    numbers: dict[str, int] = {}
    values: BtfType | None = None
    fields: tuple[tuple[str, int, int], ...] = ()
    for member in btf.members(definition):
        attribute, value = member.name, btf.resolve(member.type_id)
        if attribute in _NUMBERS:
            _set(numbers, name, attribute, _number(btf, value, f"map {name}: {attribute}"))
        elif attribute in _TYPES:
            pointer = _expect(value, Kind.PTR, f"map {name}: {attribute}")
            _set(numbers, name, _TYPES[attribute], btf.size(pointer.ref))
            if attribute == "value":
                fields = tuple(_special_fields(btf, pointer.ref))
        elif attribute == "values":
            values = _values(btf, value, f"map {name}: values")
        else:
            raise LoadError(f"map {name}: attribute {attribute or '(unnamed)'} is not known")
    return replace(_assemble(btf, name, numbers, values, is_inner), fields=fields)


_SPECIAL = frozenset(
    {"bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer", "bpf_wq", "bpf_task_work"}
    | {"bpf_list_head", "bpf_list_node", "bpf_rb_root", "bpf_rb_node", "bpf_refcount"}
)
_KPTR = frozenset({"kptr", "kptr_untrusted", "percpu_kptr", "uptr"})


def _special_fields(btf: Btf, type_id: int, at: int = 0) -> Iterator[tuple[str, int, int]]:
    """The parts of a value of that type that only the kernel may touch."""
    found = btf.resolve(type_id) if type_id else None
    if found is None or found.kind is not Kind.STRUCT:
        return
    if found.name in _SPECIAL:
        yield found.name, at, found.ref
        return
    for member in btf.members(found):
        offset = at + member.offset // 8
        kind = btf.resolve(member.type_id)
        if kind.kind is Kind.PTR and kind.ref:
            target = btf.type(kind.ref)
            if target.kind is Kind.TYPE_TAG and target.name in _KPTR:
                yield "kptr", offset, 8
        else:
            yield from _special_fields(btf, member.type_id, offset)


def _set(numbers: dict[str, int], name: str, attribute: str, value: int) -> None:
    """Note an attribute; the type and the size of a key may both be given if they agree."""
    if numbers.setdefault(attribute, value) != value:
        raise LoadError(f"map {name}: {attribute} is {numbers[attribute]} and also {value}")


def _assemble(
    btf: Btf, name: str, numbers: Mapping[str, int], values: BtfType | None, is_inner: bool
) -> MapDef:
    kind = _named(name, numbers.get("type", 0))
    if numbers.get("pinning", 0) not in (0, 1):
        raise LoadError(f"map {name}: pinning {numbers['pinning']} is not known")
    inner = None
    value_size = numbers.get("value_size", 0)
    if values is not None:
        value_size = value_size or _FILE_DESCRIPTOR_BYTES
        if kind in MAPS_OF_MAPS and not is_inner:
            inner = _btf_map(btf, f"{name}.inner", values.ref, is_inner=True)
        elif kind != "prog_array" or btf.resolve(values.ref).kind is not Kind.FUNC_PROTO:
            raise LoadError(f"map {name}: values of this kind do not go into a map of type {kind}")
    return MapDef(
        name=name,
        type=kind,
        key_size=numbers.get("key_size", 0),
        value_size=value_size,
        max_entries=numbers.get("max_entries", 0),
        flags=numbers.get("map_flags", 0),
        inner=inner,
    )


def _number(btf: Btf, value: BtfType, where: str) -> int:
    """A number in a type: the length of the array pointed to, or the value of an enum."""
    if value.kind in (Kind.ENUM, Kind.ENUM64) and len(value.records) == 1:
        _, low, *high = value.records[0]
        return low | (high[0] << 32 if high else 0)
    array = btf.resolve(_expect(value, Kind.PTR, where).ref)
    return _expect(array, Kind.ARRAY, where).records[0][2]


def _values(btf: Btf, value: BtfType, where: str) -> BtfType:
    """The pointer type of the elements of ``values``: an array of pointers."""
    element = _expect(value, Kind.ARRAY, where).records[0][0]
    return _expect(btf.resolve(element), Kind.PTR, where)


def _expect(found: BtfType, kind: Kind, where: str) -> BtfType:
    if found.kind is not kind:
        raise LoadError(f"{where}: its BTF type is {found.kind.name}, not {kind.name}")
    return found


def _named(name: str, number: int) -> str:
    """The name of a map type by number; the error also names the map."""
    try:
        return map_type_name(number)
    except LoadError as error:
        raise LoadError(f"map {name}: {error}") from None
