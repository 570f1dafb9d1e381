"""Assembly text to one program: maps by name, what the author expects of a verifier."""

from __future__ import annotations

from bpfsmt.errors import BpfsmtError, LoadError
from bpfsmt.isa.asm import AsmUnit, assemble
from bpfsmt.isa.directives import Directive, MapDirective
from bpfsmt.program.maptypes import check_map
from bpfsmt.program.program import (
    LOAD_FLAGS,
    Expectation,
    MapDef,
    Param,
    Program,
    ProgramType,
    Signature,
)
from bpfsmt.program.raw import check_map_references


def load_asm(text: str, name: str, *, type: ProgramType = ProgramType.XDP) -> Program:
    """The program that the text describes; ``type`` is for a text without ``.type``.

    A text without ``.license`` is under the GPL, so that it may call any helper.  Raises
    `AsmError` for a line that cannot be assembled, and `LoadError`, both in one line, for
    a map that the kernel would refuse or a directive that says nothing known.

    ``.global f ctx scalar`` declares a function that is verified by itself, ``.flags`` names
    flags of the load, such as ``test_state_freq``.

    >>> load_asm('.expect reject at 0 "R0 !read_ok"\\nexit', "x").expect
    Expectation(verdict='reject', pc=0, reason='R0 !read_ok')
    """
    unit = assemble(text, name)
    if not unit.slots:
        raise LoadError(f"{name}: no instruction in it")
    try:
        return _program(unit, name, type)
    except BpfsmtError as error:
        raise LoadError(f"{name}: {error}") from error


def _program(unit: AsmUnit, name: str, default: ProgramType) -> Program:
    declared = {directive.name: directive for directive in unit.maps}
    maps = tuple(check_map(_map(directive, declared)) for directive in unit.maps)
    check_map_references(unit.slots, len(maps))
    return Program(
        name=name,
        type=default if unit.type is None else parse_program_type(unit.type),
        slots=unit.slots,
        maps=maps,
        functions=dict(unit.functions),
        source=dict(unit.source),
        license="GPL" if unit.license is None else unit.license,
        title=_title(unit),
        expect=_expect(unit),
        signatures=_signatures(unit),
        flags=_flags(unit),
    )


def parse_program_type(text: str) -> ProgramType:
    """The program type of that name; `LoadError` naming those that there are.

    >>> parse_program_type("xdp")
    <ProgramType.XDP: 'xdp'>
    """
    try:
        return ProgramType(text)
    except ValueError:
        known = ", ".join(kind.value for kind in ProgramType)
        raise LoadError(f"program type {text!r} is not known (there are: {known})") from None


def _map(directive: MapDirective, declared: dict[str, MapDirective], depth: int = 0) -> MapDef:
    """The map with what it holds, two levels deep: `check_map` refuses more."""
    inner = declared[directive.inner] if directive.inner is not None and depth < 2 else None
    return MapDef(
        name=directive.name,
        type=directive.type,
        key_size=directive.key_size,
        value_size=directive.value_size,
        max_entries=directive.max_entries,
        flags=directive.flags,
        data=directive.data,
        frozen=directive.frozen,
        inner=None if inner is None else _map(inner, declared, depth + 1),
    )


def _only(unit: AsmUnit, name: str) -> Directive | None:
    found = [directive for directive in unit.directives if directive.name == name]
    if len(found) > 1:
        raise LoadError(f"line {found[1].line}: .{name} is there twice")
    return found[0] if found else None


def _title(unit: AsmUnit) -> str:
    directive = _only(unit, "title")
    return "" if directive is None else " ".join(directive.args)


def _flags(unit: AsmUnit) -> int:
    directive = _only(unit, "flags")
    if directive is None:
        return 0
    unknown = [name for name in directive.args if name not in LOAD_FLAGS]
    if unknown or not directive.args:
        known = ", ".join(LOAD_FLAGS)
        raise LoadError(f"line {directive.line}: expected .flags and any of {known}")
    return sum(LOAD_FLAGS[name] for name in dict.fromkeys(directive.args))


_PARAMS = ("ctx", "scalar")


def _signatures(unit: AsmUnit) -> dict[int, Signature]:
    """The functions that ``.global NAME PARAM...`` declares; each gives a number."""
    starts = {name: pc for pc, name in unit.functions.items()}
    found = {}
    for directive in unit.directives:
        if directive.name != "global":
            continue
        name, *params = directive.args or ("",)
        if starts.get(name, 0) == 0 or not set(params) <= set(_PARAMS) or len(params) > 5:
            known = " or ".join(_PARAMS)
            raise LoadError(
                f"line {directive.line}: expected .global, the name of a function behind the main "
                f"one, and for each of up to five parameters {known}"
            )
        found[starts[name]] = Signature(True, tuple(map(Param, params)))
    return found


def _expect(unit: AsmUnit) -> Expectation | None:
    directive = _only(unit, "expect")
    if directive is None:
        return None
    match directive.args:
        case ("accept",):
            return Expectation("accept")
        case ("reject", "at", pc, *reason) if pc.isdecimal() and len(reason) <= 1:
            if int(pc) >= len(unit.slots) or unit.slots[int(pc)] is None:
                raise LoadError(f"line {directive.line}: no instruction starts at {pc}")
            return Expectation("reject", int(pc), reason[0] if reason else None)
        case ("reject", *reason) if len(reason) <= 1 and reason != ["at"]:
            return Expectation("reject", None, reason[0] if reason else None)
    raise LoadError(
        f'line {directive.line}: expected ".expect accept" or ".expect reject [at PC] [REASON]"'
    )
