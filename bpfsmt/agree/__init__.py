"""Do our verifier and a kernel agree: on the verdict, on the reason, on every state?

`compare` takes what both say of one program; `score` groups what differs, `causes` explains
it, `saved` keeps it.  `selftests` has
the kernel's own tests, compiled, with what their authors expect.  `abreast` compares two
walks of ours; `spread` has the processes.
"""

from bpfsmt.agree.compare import Compared, compare

__all__ = ["Compared", "compare"]
