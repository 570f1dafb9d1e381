"""A small virtual network on which programs really run.

Frames are bytes: `frames` builds them, `traffic` makes many, `fields`, `compare` and
`checksums` read them, `capture` reads and writes pcap files.  All these need the extra
``packets``.
"""
