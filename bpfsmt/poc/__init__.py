"""From a wrong rule to a program: what makes a verifier with that rule believe a falsehood.

The operands that break a rule have to come from somewhere.  A *shape* is a short sequence of
instructions that makes of an unknown number a register with bounds; `synthesise` looks for shapes,
constants and numbers with which the rule fails (`drawn`, then by the solver), writes them as a
program, and accepts it only if the verifier believes something there that a run contradicts.
"""

from bpfsmt.poc.found import Poc
from bpfsmt.poc.selftest import selftest
from bpfsmt.poc.synthesise import synthesise

__all__ = ["Poc", "selftest", "synthesise"]
