/* SPDX-License-Identifier: Apache-2.0 */
/* As much of a kernel tree as the tests here compile with; our own text. */
#include "bpf_helper_defs.h"

#define SEC(name) __attribute__((section(name), used))
#define TAG(text) __attribute__((btf_decl_tag("comment:test_" text)))
