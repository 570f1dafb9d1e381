/* SPDX-License-Identifier: Apache-2.0 */
/* Answer pings on the wire, IPv4 and IPv6, to the addresses in a map. */
#include "net.h"

#define ECHO_REQUEST 8
#define ECHO_REPLY 0
#define ECHO6_REQUEST 128
#define ECHO6_REPLY 129

struct address {
	be32 word[4]; /* IPv4: the first, the rest zero */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct address);
	__type(value, u64); /* pings answered */
} answering SEC(".maps");

static __always_inline int answers(const struct address *address)
{
	u64 *count = bpf_map_lookup_elem(&answering, address);

	if (!count)
		return 0;
	__sync_fetch_and_add(count, 1);
	return 1;
}

/* Type and code share a word of the checksum; on this machine the type is its low byte. */
static __always_inline void set_type(struct icmphdr *icmp, u8 from, u8 to)
{
	icmp->check = csum_replace2(icmp->check, from, to);
	icmp->type = to;
}

static __always_inline int echo4(struct ethhdr *eth, void *end)
{
	struct iphdr *ip = (void *)(eth + 1);
	struct icmphdr *icmp = (void *)(ip + 1);
	struct address self = {};

	if (past(icmp + 1, end) || ip->version_ihl != 0x45)
		return XDP_PASS;
	if (ip->protocol != IPPROTO_ICMP || ip->frag_off & htons(IP_FRAGMENT))
		return XDP_PASS;
	if (icmp->type != ECHO_REQUEST || icmp->code != 0)
		return XDP_PASS;
	self.word[0] = ip->daddr;
	if (!answers(&self))
		return XDP_PASS;
	ip->daddr = ip->saddr; /* a swap leaves the checksum as it is */
	ip->saddr = self.word[0];
	ip->check = csum_replace2(ip->check, ip->ttl, 64);
	ip->ttl = 64;
	set_type(icmp, ECHO_REQUEST, ECHO_REPLY);
	swap_macs(eth);
	return XDP_TX;
}

static __always_inline int echo6(struct ethhdr *eth, void *end)
{
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct icmphdr *icmp = (void *)(ip6 + 1);
	struct address self;

	if (past(icmp + 1, end) || ip6->nexthdr != IPPROTO_ICMPV6)
		return XDP_PASS;
	if (icmp->type != ECHO6_REQUEST || icmp->code != 0)
		return XDP_PASS;
	__builtin_memcpy(&self, ip6->daddr, sizeof(self));
	if (!answers(&self))
		return XDP_PASS;
	__builtin_memcpy(ip6->daddr, ip6->saddr, sizeof(ip6->daddr));
	__builtin_memcpy(ip6->saddr, &self, sizeof(ip6->saddr));
	ip6->hop_limit = 64; /* no part of the checksum */
	set_type(icmp, ECHO6_REQUEST, ECHO6_REPLY);
	swap_macs(eth);
	return XDP_TX;
}

SEC("xdp")
int xdp_icmp_echo(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);

	if (past(eth + 1, end))
		return XDP_PASS;
	if (eth->proto == htons(ETH_P_IP))
		return echo4(eth, end);
	if (eth->proto == htons(ETH_P_IPV6))
		return echo6(eth, end);
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
