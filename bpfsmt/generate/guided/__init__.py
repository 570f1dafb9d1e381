"""Programs drawn with the verifier's own states at hand.

`ways` is one instruction as the verifier walks it, `draft` a program that grows with the
states at its end, `drawing` the choices.  Each kind of code has a file of small functions,
the gadgets; `gadgets` is the table of them, `programs` the strategy.  To draw something new,
write a function on a `Drawing` and put it into the table.
"""

from bpfsmt.generate.guided.gadgets import FEATURES, supported
from bpfsmt.generate.guided.programs import guided_programs, guided_sample

__all__ = ["FEATURES", "guided_programs", "guided_sample", "supported"]
