"""Kernels in a virtual machine: booted by QEMU, asked over a serial line, ended again.

The guest is Debian's kernel (or any bzImage) with one static program as its whole user space.
That program lends its bpf(2): requests come over a serial line, and what they point to lies
in memory that host and guest share at the same addresses.  So the code that loads, fills maps
and test-runs is the one for the running kernel, and the guest knows nothing of any of it.

>>> from bpfsmt.kernel.vm import vm_oracle
>>> from bpfsmt.program import load_asm
>>> with vm_oracle("6.12") as kernel:  # doctest: +SKIP
...     kernel.load(load_asm("r0 = 2\\nexit", "pass")).accepted
True
"""

from bpfsmt.kernel.vm.images import Image, find_image
from bpfsmt.kernel.vm.machine import MachineError, VirtualMachine
from bpfsmt.kernel.vm.oracle import VmOracle, vm_oracle

__all__ = [
    "Image",
    "MachineError",
    "VirtualMachine",
    "VmOracle",
    "find_image",
    "vm_oracle",
]
