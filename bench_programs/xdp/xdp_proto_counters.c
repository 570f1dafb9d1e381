/* SPDX-License-Identifier: Apache-2.0 */
/* Packets and bytes by IP protocol, IPv4 and IPv6, behind up to two VLAN tags. */
#include "net.h"

struct traffic {
	u64 packets;
	u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, struct traffic);
} by_protocol SEC(".maps");

#define NOT_IP 255 /* reserved by IANA, so free to mean this */

static __always_inline u32 protocol_of(void *data, void *end)
{
	struct ethhdr *eth = data;
	void *l3;
	be16 proto;

	if (past(eth + 1, end))
		return NOT_IP;
	l3 = skip_vlan(eth, end, &proto);
	if (proto == htons(ETH_P_IP)) {
		struct iphdr *ip = l3;

		return past(ip + 1, end) ? NOT_IP : ip->protocol;
	}
	if (proto == htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = l3;

		return past(ip6 + 1, end) ? NOT_IP : ip6->nexthdr;
	}
	return NOT_IP;
}

SEC("xdp")
int xdp_proto_counters(struct xdp_md *ctx)
{
	void *data = packet_start(ctx), *end = packet_end(ctx);
	u32 key = protocol_of(data, end);
	struct traffic *traffic = bpf_map_lookup_elem(&by_protocol, &key);

	if (traffic) {
		traffic->packets++;
		traffic->bytes += end - data;
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
