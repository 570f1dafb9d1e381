/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A router that asks the kernel's own routing table, IPv4 and IPv6. */
#include "net.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 256);
	__type(key, u32); /* ifindex */
	__type(value, u32); /* the same ifindex */
} tx_ports SEC(".maps");

/* Fill the question for an IPv4 packet; 0 if it is not ours to forward. */
static __always_inline int ask_ipv4(struct bpf_fib_lookup *fib, struct iphdr *ip, void *end)
{
	if (past(ip + 1, end) || ip->ttl <= 1)
		return 0;
	fib->family = AF_INET;
	fib->tos = ip->tos;
	fib->l4_protocol = ip->protocol;
	fib->tot_len = ntohs(ip->tot_len);
	fib->src[0] = ip->saddr;
	fib->dst[0] = ip->daddr;
	return 1;
}

static __always_inline int ask_ipv6(struct bpf_fib_lookup *fib, struct ipv6hdr *ip6, void *end)
{
	if (past(ip6 + 1, end) || ip6->hop_limit <= 1)
		return 0;
	fib->family = AF_INET6;
	fib->flowinfo = ip6->version_class_flow & htonl(0x0FFFFFFF);
	fib->l4_protocol = ip6->nexthdr;
	fib->tot_len = ntohs(ip6->payload_len) + sizeof(*ip6);
	__builtin_memcpy(fib->src, ip6->saddr, sizeof(fib->src));
	__builtin_memcpy(fib->dst, ip6->daddr, sizeof(fib->dst));
	return 1;
}

SEC("xdp")
int xdp_fib_fwd(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct bpf_fib_lookup fib = {};
	void *l3 = eth + 1;
	long answer;

	if (past(eth + 1, end))
		return XDP_DROP;
	if (eth->proto == htons(ETH_P_IP)) {
		if (!ask_ipv4(&fib, l3, end))
			return XDP_PASS;
	} else if (eth->proto == htons(ETH_P_IPV6)) {
		if (!ask_ipv6(&fib, l3, end))
			return XDP_PASS;
	} else {
		return XDP_PASS;
	}
	fib.ifindex = ctx->ingress_ifindex;
	answer = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	if (answer >= BPF_FIB_LKUP_RET_BLACKHOLE && answer <= BPF_FIB_LKUP_RET_PROHIBIT)
		return XDP_DROP;
	if (answer != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;

	if (eth->proto == htons(ETH_P_IP))
		ip_decrease_ttl(l3);
	else
		((struct ipv6hdr *)l3)->hop_limit--;
	__builtin_memcpy(&eth->dest, fib.dmac, sizeof(eth->dest));
	__builtin_memcpy(&eth->source, fib.smac, sizeof(eth->source));
	return bpf_redirect_map(&tx_ports, fib.ifindex, 0);
}

/* The routing table is open to GPL-compatible programs only. */
char _license[] SEC("license") = "Dual MIT/GPL";
