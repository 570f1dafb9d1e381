"""``python -m bpfsmt``: the command line."""

from bpfsmt.cli import main

if __name__ == "__main__":
    main(prog_name="bpfsmt")
