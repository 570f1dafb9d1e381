"""What a selftest's author expects, from the tags that its object carries.

The macros ``__success``, ``__failure``, ``__msg("...")`` and so on of the selftests leave
BTF declaration tags on the program's function (``test_loader.c`` of Linux 6.3 to 6.18 reads
them).  A test that says nothing of any load is one of the privileged load, which succeeds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bpfsmt.errors import LoadError
from bpfsmt.kernel.oracle import LoadFlag
from bpfsmt.program.btf import Btf, Kind
from bpfsmt.program.elf import read_image

_PREFIX = "comment:test_"
_COUNTED = re.compile(r"\d+=(.*)", re.DOTALL)
_REGEX = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_FLAGS = {f"BPF_F_{flag.name}": flag for flag in LoadFlag}
_ANY_VALUE = "POINTER_VALUE"
_RETVALS = {"INT_MIN": -(1 << 31), "TEST_DATA_LEN": 64}
_OTHER = frozenset(
    {"expect_xlated", "expect_xlated_unpriv", "jited", "jited_unpriv", "btf_path", "load_mode"}
    | {"auxiliary", "auxiliary_unpriv", "expect_not_msg", "expect_not_msg_unpriv"}
    | {"caps_unpriv", "linear_size", "stdout", "stdout_unpriv", "stderr", "stderr_unpriv"}
)
"""Tags about what is not looked at here: the code after verification, the runner."""


@dataclass(frozen=True, slots=True)
class Side:
    """What is expected of one way to load the program, privileged or not.

    ``success`` is `None` where the program is not loaded this way.  ``messages`` must stand in
    the log in this order; ``retval`` is what a run returns, `None` if that is not said.
    """

    success: bool | None = None
    messages: tuple[str, ...] = ()
    retval: int | None = None

    def missing(self, log: str) -> str | None:
        """The first message that the log does not have after the ones before; `None` if all.

        >>> Side(messages=("R1=", "scalar{{[(]id=[0-9]+}}")).missing("R1=scalar(id=3)")
        >>> Side(messages=("b", "a")).missing("ab")
        'a'
        """
        at = 0
        for message in self.messages:
            found = pattern(message).search(log, at)
            if found is None:
                return message
            at = found.end()
        return None


@dataclass(frozen=True, slots=True)
class Expected:
    """All that the tags of one program say.

    ``flags`` are those of the load, ``arches`` the machines that the test is for (none: all).
    ``auxiliary`` programs are no tests by themselves.  ``unknown`` has tags that were not
    understood.
    """

    description: str = ""
    privileged: Side = field(default_factory=Side)
    unprivileged: Side = field(default_factory=Side)
    flags: int = 0
    log_level: int = 0
    arches: frozenset[str] = frozenset()
    auxiliary: bool = False
    unknown: tuple[str, ...] = ()


def pattern(message: str) -> re.Pattern[str]:
    """The pattern of a message: literal, but for what stands between ``{{`` and ``}}``."""
    parts = _REGEX.split(message)
    source = "".join(part if n % 2 else re.escape(part) for n, part in enumerate(parts))
    try:
        return re.compile(source.replace("[[:space:]]", r"\s"))
    except re.error as error:
        raise LoadError(f"expected message {message!r}: {error}") from None


def read_expected(data: bytes) -> dict[str, Expected]:
    """What is expected of each function of an object that has such tags.

    Raises `LoadError` for a damaged object.
    """
    section = read_image(data).section(".BTF")
    if section is None:
        return {}
    return {name: from_tags(tags) for name, tags in _tags(Btf(section.data)).items()}


def _tags(btf: Btf) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for tag in btf.types:
        if tag.kind is Kind.DECL_TAG and tag.name.startswith(_PREFIX):
            function = btf.type(tag.ref)
            if function.kind is Kind.FUNC:
                found.setdefault(function.name, []).append(tag.name.removeprefix(_PREFIX))
    return found


@dataclass(slots=True)
class _Side:
    """One way to load, while its tags are read."""

    said: bool = False
    failure: bool | None = None
    messages: list[str] = field(default_factory=list)
    retval: int | None = None

    def take(self, name: str, value: str) -> bool:
        """Take in a tag; False if it is none of these."""
        if name in ("expect_success", "expect_failure"):
            self.failure = name == "expect_failure"
        elif name == "expect_msg":
            counted = _COUNTED.fullmatch(value)
            self.messages.append(counted[1] if counted else value)
        elif name == "expect_regex":
            self.messages.append("{{" + value + "}}")
        elif name == "retval":
            self.retval = None if value == _ANY_VALUE else _number(value)
        else:
            return False
        self.said = True
        return True

    def side(self, default: bool | None) -> Side:
        """The result; ``default`` is whether a load succeeds that is only said to happen."""
        success = None if not self.said else default if self.failure is None else not self.failure
        return Side(success, tuple(self.messages), self.retval)


def from_tags(tags: Iterable[str]) -> Expected:
    """Read the tags of one function, without ``comment:test_`` in front.

    >>> found = from_tags(["expect_failure", "expect_msg=0=R1 !read_ok", "prog_flags=0x8"])
    >>> found.privileged.success, found.privileged.messages, found.flags
    (False, ('R1 !read_ok',), 8)
    """
    sides = {"": _Side(), "_unpriv": _Side()}
    flags, log_level, description = 0, 0, ""
    arches: set[str] = set()
    rest: list[str] = []
    for tag in tags:
        name, _, value = tag.partition("=")
        plain = name.removesuffix("_unpriv")
        if sides[name[len(plain) :]].take(plain, value):
            continue
        if name == "description":
            description = value
        elif name == "log_level":
            log_level = _number(value)
        elif name == "prog_flags":
            flags = _with_flag(flags, value)
        elif name == "arch":
            arches.add(value)
        else:
            rest.append(name)
    if not any(side.said for side in sides.values()):
        sides[""].said = True
    privileged = sides[""].side(True)
    return Expected(
        description, privileged, sides["_unpriv"].side(privileged.success), flags, log_level,
        frozenset(arches), "auxiliary" in rest, tuple(n for n in rest if n not in _OTHER),
    )  # fmt: skip


def _with_flag(flags: int, value: str) -> int:
    """The flags with one more, or without it if ``!`` stands before it."""
    name = value.removeprefix("!")
    flag = int(_FLAGS[name]) if name in _FLAGS else _number(name)
    return flags & ~flag if value.startswith("!") else flags | flag


def _number(value: str) -> int:
    """A number as C writes it, or one of the selftests' names for some."""
    text = value.strip().strip("()")
    if text in _RETVALS:
        return _RETVALS[text]
    try:
        return int(text, 0)
    except ValueError:
        raise LoadError(f"a selftest's tag has {value!r} for a number") from None
