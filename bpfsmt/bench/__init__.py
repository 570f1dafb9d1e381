"""How fast programs run: in the running kernel, beside the machine of this project.

`cases` has the use cases of the XDP paper (sections 4 and 5), `compiled` times programs in
the kernel by test runs, `machine` times them here, `measure` puts both into rows.  `verified`
times verifiers, ours and the kernel's, and `synthetic` has large programs for them.  Every
number comes with its spread over the runs.
"""
