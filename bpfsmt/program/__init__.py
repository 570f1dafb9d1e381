"""Programs: the immutable `Program`, its maps and type, and the loaders that make one."""
