/* SPDX-License-Identifier: Apache-2.0 */
/* An allow-list of destination ports, one bit each, read at a variable place of a map value. */
#include "net.h"

#define WORDS (65536 / 64)

struct bitmap {
	u64 word[WORDS];
};

enum { LIST_TCP, LIST_UDP, LISTS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LISTS);
	__type(key, u32);
	__type(value, struct bitmap);
} allowed SEC(".maps");

static __always_inline int is_allowed(u32 list, u64 port)
{
	struct bitmap *bitmap = bpf_map_lookup_elem(&allowed, &list);
	u64 index = port >> 6;

	if (!bitmap)
		return 0;
	opaque(index);
	index &= WORDS - 1;
	return (bitmap->word[index] >> (port & 63)) & 1;
}

SEC("xdp")
int xdp_port_filter(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct ports *l4;
	void *l3;
	be16 proto;
	u8 upper;
	u64 len;

	if (past(eth + 1, end))
		return XDP_DROP;
	l3 = skip_vlan(eth, end, &proto);
	if (proto == htons(ETH_P_IP)) {
		struct iphdr *ip = l3;

		if (past(ip + 1, end))
			return XDP_DROP;
		if (ip->frag_off & htons(0x1FFF))
			return XDP_PASS; /* the first fragment was judged */
		len = ip_header_len(ip);
		if (len < sizeof(*ip))
			return XDP_DROP;
		upper = ip->protocol;
		l4 = l3 + len;
	} else if (proto == htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = l3;

		if (past(ip6 + 1, end))
			return XDP_DROP;
		upper = ip6->nexthdr;
		l4 = (void *)(ip6 + 1);
	} else {
		return XDP_PASS;
	}
	if (upper != IPPROTO_TCP && upper != IPPROTO_UDP)
		return XDP_PASS;
	opaque(l4);
	if (past(l4 + 1, end))
		return XDP_DROP;
	if (!is_allowed(upper == IPPROTO_TCP ? LIST_TCP : LIST_UDP, ntohs(l4->dest)))
		return XDP_DROP;
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
