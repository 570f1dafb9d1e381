"""References that a program holds and must give back (``acquire_reference_state``)."""

from __future__ import annotations

from bpfsmt.domain import Reg, RegType, State
from bpfsmt.verifier.linux.env import ANY
from bpfsmt.verifier.linux.walk import Walk

_CAST = frozenset({"bpf_tcp_sock", "bpf_sk_fullsock"})


def acquire(w: Walk) -> int:
    """A new reference, which must be released before the program ends."""
    id_ = w.fresh_id()
    state = w.path.state
    w.path.state = state._replace(refs=(*state.refs, id_))
    return id_


def drop_reference(state: State, id_: int) -> State:
    """The state without a reference; `State.refs` keeps the order as the kernel does."""
    refs = list(state.refs)
    if id_ in refs:
        at = refs.index(id_)
        refs[at] = refs[-1]
        refs.pop()
    return state._replace(refs=tuple(refs))


def release(w: Walk, id_: int) -> bool:
    """Give a reference back: all pointers that hold it are mere numbers; whether it was held."""
    from bpfsmt.verifier.linux.step.branch import map_state

    state = w.path.state
    if id_ not in state.refs:
        return False

    def stale(reg: Reg) -> Reg:
        return ANY if reg.ref == id_ and reg.type is not RegType.NOT_INIT else reg

    w.path.state = map_state(drop_reference(state, id_), stale)
    return True


def check_none_held(w: Walk, what: str) -> None:
    """Reject what would lose references or leave a lock held (``check_resource_leak``)."""
    state = w.path.state
    if state.lock:
        w.reject("lock-held", f"{what} cannot be used inside bpf_spin_lock-ed region")
    if state.refs:
        w.reject(
            "reference-leak",
            f"{what} would lead to reference leak",
            f"The references {', '.join(map(str, state.refs))} were acquired and are not released "
            f"on this path.",
        )


def is_cast(name: str) -> bool:
    """Whether a helper's result holds the same reference as its argument."""
    return name in _CAST
