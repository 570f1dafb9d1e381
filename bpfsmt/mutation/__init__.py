"""How good is the prover?  Rule texts are changed a little, and it has to notice.

A *mutant* is the text of one rule with one small fault of the kind that people make: a
minimum for a maximum, a forgotten term, one too few, the wrong sign, the wrong half.  The rule
set with the mutant goes to the prover, which either refutes it, with a counterexample that is
run on ints, or proves that it is still sound.  Of those it is then asked whether they say
less than the original, more, or the same.

- `text`: a rule's text with the places in it, replaced piece by piece
- `operators`, `words`: what is changed
- `mutant`: the changed rules, compiled
- `baseline`: the original's proofs, and which of them read a rule's text
- `trial`: counterexamples on ints, looked for where mutant and original differ
- `compare`, `opaque`: equal, looser, tighter
- `cases`: hard formulas, case by case
- `ask`: the prover as mutants are put to it; `judge`: one mutant; `outcome`: what comes of it
- `store`, `campaign`: all of them, in parallel, kept as they come
- `score`: counts by rule
"""

from bpfsmt.mutation.mutant import Mutant, Mutants, mutants_of

__all__ = ["Mutant", "Mutants", "mutants_of"]
