/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest program: everything goes on to the network stack. */
#include "bpf.h"

SEC("xdp")
int xdp_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
