"""The control-flow graph: basic blocks in a networkx DiGraph, and what is asked of it."""
