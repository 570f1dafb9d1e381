"""The paper about bpfsmt, and what its numbers are measured and checked with (see README.md)."""
