"""The control plane of a node: programs loaded, maps filled, by people or by programs.

What goes into a map as a program has been verified: a `NodeMap` takes no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine import ANY, Environment, UserMap
from bpfsmt.network.loaded import Loaded, load_verified
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet


class NodeMap(UserMap):
    """A map of a node as user space holds it; programs in it are `Loaded` ones."""

    def update(
        self, key: bytes | int, value: Any, flags: int = ANY, *, program: Any = None
    ) -> None:
        """Store a value.

        A prog_array takes a `Loaded` program, and so does ``program`` for an entry of a devmap
        or cpumap.  Raises `BpfsmtError` for a program that was not verified.
        """
        value, program = _verified(value), _verified(program)
        super().update(key, value, flags, program=program)


def _verified(value: Any) -> Any:
    if isinstance(value, Program):
        raise BpfsmtError(f"{value.name} was not loaded: only verified programs go into a map")
    return value.program if isinstance(value, Loaded) else value


class Control:
    """Programs and maps of one environment.  Maps are pinned by their names.

    >>> from bpfsmt.program import load_asm
    >>> from bpfsmt.rules import rule_set
    >>> control = Control(Environment(), rule_set("xdp-paper"))
    >>> text = ".map m type=array key=4 value=8 entries=1\\nr1 = map[m]\\nr0 = 2\\nexit"
    >>> control.load(load_asm(text, "x")).name, control.map("m").number(0)
    ('x', 0)
    """

    def __init__(self, env: Environment, rules: RuleSet) -> None:
        self.env = env
        self.rules = rules
        self._loaded: dict[int, Loaded] = {}

    def load(
        self,
        program: Program,
        names: Mapping[str, str] | None = None,
        *,
        unverified: bool = False,
    ) -> Loaded:
        """Verify a program, and make those of its maps that are not there yet.

        ``names`` gives other names to some of its maps, which it then shares with others.
        A program that is rejected is let in with ``unverified`` only.
        """
        if names:
            maps = (replace(each, name=names.get(each.name, each.name)) for each in program.maps)
            program = replace(program, maps=tuple(maps))
        loaded = load_verified(program, self.rules, unverified=unverified)
        for definition in program.maps:
            self.env.state_of(definition)
        self._loaded[id(program)] = loaded
        return loaded

    def loaded(self, program: Program) -> Loaded:
        """The latest loaded form of a program."""
        return self._loaded[id(program)]

    def map(self, name: str) -> NodeMap:
        """A map by its name; `BpfsmtError` if no loaded program has one of that name."""
        return NodeMap(self.env.map(name).state)
