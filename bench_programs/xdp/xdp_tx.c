/* SPDX-License-Identifier: Apache-2.0 */
/* Send every frame back where it came from, with its MAC addresses swapped. */
#include "net.h"

SEC("xdp")
int xdp_tx(struct xdp_md *ctx)
{
	struct ethhdr *eth = packet_start(ctx);

	if (past(eth + 1, packet_end(ctx)))
		return XDP_DROP;
	swap_macs(eth);
	return XDP_TX;
}

char _license[] SEC("license") = "Apache-2.0";
