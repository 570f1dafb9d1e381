/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of the load balancer: take the outer IPv4 header off, options too. */
#include "net.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, be32); /* an address of this server that tunnels end at */
	__type(value, u64); /* packets taken out */
} tunnel_ends SEC(".maps");

SEC("xdp")
int xdp_lb_decap(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct iphdr *outer = (void *)(eth + 1), *inner;
	struct ethhdr saved;
	be32 dest;
	u64 len, *count;

	if (past(outer + 1, end))
		return XDP_PASS;
	if (eth->proto != htons(ETH_P_IP) || outer->protocol != IPPROTO_IPIP)
		return XDP_PASS;
	if (outer->frag_off & htons(IP_FRAGMENT))
		return XDP_PASS;
	len = ip_header_len(outer);
	if (len < sizeof(*outer))
		return XDP_DROP;
	inner = (void *)outer + len;
	opaque(inner);
	if (past(inner + 1, end))
		return XDP_DROP;
	if (inner->version_ihl >> 4 != 4)
		return XDP_DROP;
	dest = outer->daddr;
	count = bpf_map_lookup_elem(&tunnel_ends, &dest);
	if (!count)
		return XDP_PASS;

	saved = *eth;
	if (bpf_xdp_adjust_head(ctx, len))
		return XDP_DROP;
	eth = packet_start(ctx);
	if (past(eth + 1, packet_end(ctx)))
		return XDP_DROP;
	*eth = saved;
	__sync_fetch_and_add(count, 1);
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
