"""How much a sound rule says: is it the most that can be said, and does another say more?

- `parts`: the parts of a scalar, each with its hull and its order
- `operations`: which rules are asked about, and what they compute
- `search`, `optimal`: whether a rule gives the smallest value, proved or with an example
- `small`, `sampled`: how far from it, over all inputs of a few bits and over drawn ones
- `generations`: the products of tnums compared with one another and with the best
- `compare`: the rules of two sets side by side
"""
