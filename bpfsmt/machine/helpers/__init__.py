"""What helpers do: one class for each kind of them, all parts of `Environment`.

A helper is the method that has its name.  It gets the machine and R1..R5 and returns what
R0 takes the low 64 bits of.  Results and error numbers are those of Linux 6.18.
"""
