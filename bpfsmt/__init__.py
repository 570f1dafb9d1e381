"""bpfsmt: is what an eBPF verifier believes about a program true?

The verifier makes claims, the cross-check proves or refutes them for all inputs:

>>> import bpfsmt
>>> program = bpfsmt.load_asm('''
...     r0 = *(u32 *)(r1 + 12)      ; the interface, any number
...     r0 &= 3
...     exit
... ''', "small")
>>> analysis = bpfsmt.verify(program, bpfsmt.rule_set("xdp-paper"))
>>> analysis.verdict.accepted
True
>>> print(bpfsmt.format_reg(analysis.visits[2].state.regs[0]))
scalar(smin=0,smax=umax=3,var_off=(0x0; 0x3))
>>> report = bpfsmt.crosscheck(program, "xdp-paper")
>>> report.refuted, report.unknown, report.exit_code
([], [], 0)

The names are those of `bpfsmt.api`, which is imported when the first of them is used: the
command line starts without it.  `bpfsmt.crosscheck` is the package of that name and can be
called as that function.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpfsmt.api import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        """A name of `bpfsmt.api`."""
        api = import_module("bpfsmt.api")
        if name not in api.__all__:
            raise AttributeError(f"module 'bpfsmt' has no attribute {name!r}")
        return globals().setdefault(name, getattr(api, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *import_module("bpfsmt.api").__all__})
