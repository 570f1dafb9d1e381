"""eBPF instructions (RFC 9669): data, decode and encode, assembler and disassembler."""
