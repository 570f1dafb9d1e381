"""Programs as Python functions, for speed: the second engine beside the interpreter.

Each program is translated once: `blocks` cuts it, `emit` writes instructions (arithmetic
is the text of `bpfsmt.semantics`, written in place by `bpfsmt.bits.inline`), `function`
nests the blocks, `module` compiles and links, `engine` runs.  A property test keeps that
both engines agree, down to the faults.
"""
