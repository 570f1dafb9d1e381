"""What BTF says of a program's functions: whether global, and what their parameters are.

The kinds of parameters are those that Linux 6.12 tells apart when it verifies a global
function by itself (``btf_prepare_func_args``); tags are those of libbpf's ``__arg_...``.
"""

from __future__ import annotations

from collections.abc import Mapping

from bpfsmt.errors import LoadError
from bpfsmt.program.btf import Btf, BtfType, Kind
from bpfsmt.program.program import Param, ProgramType, Signature

_SKB = ("__sk_buff",)
_REGS = ("pt_regs", "bpf_user_pt_regs_t")
_CONTEXTS: Mapping[ProgramType, tuple[str, ...]] = {
    ProgramType.XDP: ("xdp_md",),
    ProgramType.SCHED_CLS: _SKB,
    ProgramType.SCHED_ACT: _SKB,
    ProgramType.SOCKET_FILTER: _SKB,
    ProgramType.CGROUP_SKB: _SKB,
    ProgramType.KPROBE: _REGS,
    ProgramType.PERF_EVENT: ("bpf_perf_event_data",),
    ProgramType.RAW_TRACEPOINT: ("bpf_raw_tracepoint_args",),
    ProgramType.CGROUP_SOCK: ("bpf_sock",),
    ProgramType.CGROUP_SOCK_ADDR: ("bpf_sock_addr",),
}


class Signatures:
    """The signatures of one object's functions, by name."""

    def __init__(self, btf: Btf) -> None:
        self._btf = btf
        self._functions = {t.name: t for t in btf.types if t.kind is Kind.FUNC}
        self._tags: dict[tuple[str, int], set[str]] = {}
        for tag in btf.types:
            if tag.kind is Kind.DECL_TAG and tag.name.startswith("arg:"):
                function = btf.type(tag.ref)
                key = function.name, tag.records[0][0]
                self._tags.setdefault(key, set()).add(tag.name.removeprefix("arg:"))

    def of(self, name: str, kind: ProgramType, *, local: bool) -> Signature | None:
        """The signature of a function in a program of that type; `None` without BTF."""
        function = self._functions.get(name)
        if function is None:
            return None
        proto = self._btf.type(function.ref)
        params = tuple(
            self._param(type_id, self._tags.get((name, n), set()), kind)
            for n, (_, type_id) in enumerate(proto.records)
        )
        return Signature(not local, params, scalar=self._is_scalar(proto.ref))

    def _is_scalar(self, type_id: int) -> bool:
        if type_id == 0:
            return False
        return self._btf.resolve(type_id).kind in (Kind.INT, Kind.ENUM, Kind.ENUM64)

    def _param(self, type_id: int, tags: set[str], kind: ProgramType) -> Param:
        if type_id == 0:
            return Param("other", text="variable arguments")
        if self._is_scalar(type_id):
            return Param("scalar")
        found = self._btf.resolve(type_id)
        if found.kind is not Kind.PTR:
            return Param("other", text=f"a {found.kind.name.lower()} by value")
        if "ctx" in tags or self._names(found) & set(_CONTEXTS.get(kind, ())):
            return Param("ctx")
        if tags - {"nonnull", "nullable"}:
            return Param("other", text=f"a pointer tagged {', '.join(sorted(tags))}")
        return self._memory(found, "nonnull" not in tags)

    def _memory(self, pointer: BtfType, nullable: bool) -> Param:
        if "bpf_dynptr" in self._names(pointer):
            return Param("other", text="a dynptr")
        try:
            return Param("mem", self._btf.size(pointer.ref), nullable)
        except LoadError:
            return Param("invalid", text="a pointer to what has no size")

    def _names(self, pointer: BtfType) -> set[str]:
        """The names of the type pointed to, through typedefs."""
        names: set[str] = set()
        type_id = pointer.ref
        while type_id:
            found = self._btf.type(type_id)
            if found.name:
                names.add(found.name)
            if found.kind not in (Kind.TYPEDEF, Kind.CONST, Kind.VOLATILE, Kind.TYPE_TAG):
                break
            type_id = found.ref
        return names
