/* SPDX-License-Identifier: Apache-2.0 */
/* An IPv4 router with its own table: longest prefix, TTL, new MAC addresses, out. */
#include "net.h"

struct prefix {
	u32 len; /* in bits */
	be32 addr;
};

struct route {
	struct mac source; /* of the outgoing interface */
	struct mac gateway;
	u32 port; /* an index into `tx_ports` */
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 10000);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, struct route);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u32); /* ifindex */
} tx_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} forwarded SEC(".maps");

SEC("xdp")
int xdp_l3fwd(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	struct prefix key;
	struct route *route;
	u32 port;
	u64 *count;

	if (past(ip + 1, end))
		return XDP_PASS;
	if (eth->proto != htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version_ihl != 0x45 || ip->ttl <= 1)
		return XDP_PASS; /* options and expiry are the stack's work */
	key.len = 32;
	key.addr = ip->daddr;
	route = bpf_map_lookup_elem(&routes, &key);
	if (!route)
		return XDP_PASS;
	ip_decrease_ttl(ip);
	eth->source = route->source;
	eth->dest = route->gateway;
	port = route->port;
	count = bpf_map_lookup_elem(&forwarded, &port);
	if (count)
		*count += 1;
	return bpf_redirect_map(&tx_ports, port, 0);
}

char _license[] SEC("license") = "Apache-2.0";
