"""Campaigns: generated programs before every oracle, and what they find kept, small and apart.

A campaign is made of batches (`Batch`): programs with a number, against one rule set.  A batch
goes through the abstract verifier, the machine (whole runs, and steps from what is claimed), Z3
and the running kernel (`judge`), in a process that has nothing in it of any other (`run_apart`),
so that what comes of it depends on seed, rule set and number alone.  One that has no end is
ended.  `Campaign` hands batches to an executor (threads that drive such processes here, or a Dask
cluster) and adds each to a SQLite file as it ends.  A finding is told apart by kind, rule and
component (`Key`), and by the fault of the release that it rests on, if it is gone without a
listed one (`bpfsmt.fuzz.known`); of those that are the same the first is made small by hypothesis
and then by hand (`Shrink`), and can be exported as a case of its own.

A `Hunt` looks for one exhibit of the museum, told nothing of it; `Hunts` keeps those that ended.

`bpfsmt fuzz` is the command.  Programs come from a source (`bpfsmt.fuzz.source`).
"""
