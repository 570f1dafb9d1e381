/* SPDX-License-Identifier: Apache-2.0 */
/* Source NAT for known flows: rewrite address and port, repair three checksums, count. */
#include "net.h"

struct flow {
	be32 saddr;
	be32 daddr;
	be16 sport;
	be16 dport;
	u32 proto;
};

struct binding {
	be32 addr;
	be16 port;
	u16 closing; /* a FIN or RST went through */
	u64 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct binding);
} bindings SEC(".maps");

static __always_inline u16 adjust(u16 check, be32 old_addr, be32 addr, be16 old_port, be16 port)
{
	return csum_replace2(csum_replace4(check, old_addr, addr), old_port, port);
}

SEC("xdp")
int xdp_snat4(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	struct ports *l4;
	struct tcphdr *tcp;
	struct udphdr *udp;
	struct binding *binding;
	struct flow key = {};
	u64 len;

	if (past(ip + 1, end) || eth->proto != htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->frag_off & htons(IP_FRAGMENT))
		return XDP_PASS;
	len = ip_header_len(ip);
	if (len < sizeof(*ip))
		return XDP_DROP;
	l4 = (void *)ip + len;
	opaque(l4);
	tcp = (void *)l4;
	udp = (void *)l4;
	key.proto = ip->protocol;
	if (key.proto != IPPROTO_TCP && key.proto != IPPROTO_UDP)
		return XDP_PASS;
	if (past(udp + 1, end))
		return XDP_DROP;
	key.saddr = ip->saddr;
	key.daddr = ip->daddr;
	key.sport = l4->source;
	key.dport = l4->dest;
	binding = bpf_map_lookup_elem(&bindings, &key);
	if (!binding)
		return XDP_PASS; /* the stack makes the binding */

	if (key.proto == IPPROTO_TCP) {
		if (past(tcp + 1, end))
			return XDP_DROP;
		tcp->check = adjust(tcp->check, key.saddr, binding->addr, key.sport, binding->port);
		if (tcp->flags & (TCP_FIN | TCP_RST))
			binding->closing = 1;
	} else if (udp->check) { /* 0: the sender did without, and stays so */
		u16 check = adjust(udp->check, key.saddr, binding->addr, key.sport, binding->port);

		udp->check = check ? check : 0xFFFF;
	}
	ip->check = csum_replace4(ip->check, key.saddr, binding->addr);
	ip->saddr = binding->addr;
	l4->source = binding->port;
	__sync_fetch_and_add(&binding->packets, 1);
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
