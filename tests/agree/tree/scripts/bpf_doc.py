"""In place of a kernel's script that writes the declarations of the helpers."""

import sys

if __name__ == "__main__":
    assert sys.argv[1:3] == ["--header", "--file"]
    assert sys.argv[3].endswith("tools/include/uapi/linux/bpf.h")
    print("static __u32 (*bpf_get_prandom_u32)(void) = (void *) 7;")
