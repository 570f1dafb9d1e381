/* SPDX-License-Identifier: Apache-2.0 */
/* Send every frame out of another interface, MAC addresses swapped: the paper's redirect
 * benchmark. */
#include "net.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32); /* ifindex */
} tx_port SEC(".maps");

SEC("xdp")
int xdp_redirect(struct xdp_md *ctx)
{
	struct ethhdr *eth = packet_start(ctx);

	if (past(eth + 1, packet_end(ctx)))
		return XDP_DROP;
	swap_macs(eth);
	return bpf_redirect_map(&tx_port, 0, 0);
}

char _license[] SEC("license") = "Apache-2.0";
