/* SPDX-License-Identifier: Apache-2.0 */
/* Walk the IPv6 extension headers and drop what a careful network does not let in:
 * routing header type 0 (RFC 5095), hop-by-hop options that do not come first (RFC 8200,
 * section 4.1), fragments that cut the upper header (RFC 7112), chains without an end. */
#include "net.h"

#define MAX_HEADERS 4

enum reason { OK, TRUNCATED, ROUTING_0, HOP_NOT_FIRST, TINY_FRAGMENT, TOO_MANY, REASONS };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, u32);
	__type(value, u64);
} reasons SEC(".maps");

/* What every extension header begins with. */
struct ext {
	u8 nexthdr;
	u8 len;
	u8 type; /* of a routing header */
	u8 segments_left;
	be32 rest;
} __attribute__((packed, aligned(2)));

/* Bytes of the upper-layer header that a filter must see. */
static __always_inline u64 needed(u64 nexthdr)
{
	if (nexthdr == IPPROTO_TCP)
		return sizeof(struct tcphdr);
	if (nexthdr == IPPROTO_UDP || nexthdr == IPPROTO_ICMPV6)
		return sizeof(struct udphdr);
	return 0;
}

static __always_inline int is_extension(u64 nexthdr)
{
	return nexthdr == IPPROTO_HOPOPTS || nexthdr == IPPROTO_ROUTING ||
	       nexthdr == IPPROTO_FRAGMENT || nexthdr == IPPROTO_AH ||
	       nexthdr == IPPROTO_DSTOPTS;
}

/* The reason to drop is in its register before the test that it is the reason of, so
 * that all tests leave for one place and the code runs downwards only. */
static __always_inline u32 walk(struct ipv6hdr *ip6, void *end)
{
	struct ext *ext = (void *)(ip6 + 1);
	u64 nexthdr = ip6->nexthdr, len, cut = TRUNCATED, reason;

	__unroll
	for (int i = 0; i < MAX_HEADERS; i++) {
		if (!is_extension(nexthdr))
			break;
		reason = cut;
		opaque(reason);
		if (past(ext + 1, end))
			goto out;
		reason = HOP_NOT_FIRST;
		opaque(reason);
		if (nexthdr == IPPROTO_HOPOPTS && i > 0)
			goto out;
		reason = ROUTING_0;
		opaque(reason);
		if (nexthdr == IPPROTO_ROUTING && ext->type == 0)
			goto out;
		len = ((u64)ext->len + 1) << 3; /* in units of 8, without the first */
		if (nexthdr == IPPROTO_AH)
			len = ((u64)ext->len + 2) << 2; /* RFC 4302: words, minus two */
		if (nexthdr == IPPROTO_FRAGMENT) {
			reason = OK; /* not the first fragment: nothing to see */
			opaque(reason);
			if (*(be16 *)&ext->type & htons(0xFFF8))
				goto out;
			cut = TINY_FRAGMENT;
			len = sizeof(*ext);
		}
		nexthdr = ext->nexthdr;
		ext = (void *)ext + len;
		opaque(ext);
	}
	reason = TOO_MANY;
	opaque(reason);
	if (is_extension(nexthdr))
		goto out;
	reason = cut;
	opaque(reason);
	len = needed(nexthdr);
	if (len && past((void *)ext + len, end))
		goto out;
	reason = OK;
	opaque(reason);
out:
	return reason;
}

SEC("xdp")
int xdp_ipv6(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	u32 reason = TRUNCATED;
	u64 *count;

	if (past(eth + 1, end))
		return XDP_DROP;
	if (eth->proto != htons(ETH_P_IPV6))
		return XDP_PASS;
	if (!past(ip6 + 1, end))
		reason = walk(ip6, end);
	count = bpf_map_lookup_elem(&reasons, &reason);
	if (count)
		*count += 1;
	return reason == OK ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Apache-2.0";
