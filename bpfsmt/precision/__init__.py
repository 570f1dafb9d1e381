"""How much a sound rule says: is it the most that can be said, and does another say more?

- `parts`: the parts of a scalar, each with its hull and its order
- `operations`: which rules are asked about, and what they compute
- `cases`: what is known of the operands, the result, and the best there is
- `search`, `optimal`: whether a rule gives the smallest value, proved or with an example
- `alone`, `kept`, `witnesses`: what such a proof takes: operands, what `sync` keeps, members
- `signs`, `plain`: which steps of `sync` it reads, where it cannot do without
- `measured`: how far from it, over all inputs of a few bits and over drawn ones
- `run`, `memory`: everything that is asked of a rule set, kept as it is decided
- `generations`: the products of tnums compared with one another and with the best
- `compare`, `shared`, `nested`: the rules of two sets side by side
"""
