/* SPDX-License-Identifier: Apache-2.0 */
/* The paper's DDoS defence: drop by source address, then by destination port, and count. */
#include "net.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 100000);
	__type(key, be32);
	__type(value, u64); /* packets dropped from this source */
} blacklist SEC(".maps");

/* Whether a port is closed, one bit per protocol, and what that has dropped. */
#define CLOSED_TCP 1
#define CLOSED_UDP 2

struct port_rule {
	u32 closed;
	u32 unused;
	u64 dropped_tcp;
	u64 dropped_udp;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, struct port_rule);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDP_REDIRECT + 1);
	__type(key, u32);
	__type(value, u64);
} verdicts SEC(".maps");

static __always_inline int check_port(const struct iphdr *ip, void *l4, void *end)
{
	struct ports *header = l4;
	struct port_rule *rule;
	u32 port;

	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	if (ip->frag_off & htons(0x1FFF))
		return XDP_PASS; /* a later fragment has no ports */
	if (past(header + 1, end))
		return XDP_ABORTED;
	port = ntohs(header->dest);
	rule = bpf_map_lookup_elem(&ports, &port);
	if (!rule)
		return XDP_PASS;
	if (ip->protocol == IPPROTO_TCP && (rule->closed & CLOSED_TCP)) {
		rule->dropped_tcp++;
		return XDP_DROP;
	}
	if (ip->protocol == IPPROTO_UDP && (rule->closed & CLOSED_UDP)) {
		rule->dropped_udp++;
		return XDP_DROP;
	}
	return XDP_PASS;
}

static __always_inline int verdict(void *data, void *end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip;
	be16 proto;
	be32 source;
	u64 len, *drops;
	void *l4;

	if (past(eth + 1, end))
		return XDP_ABORTED;
	ip = skip_vlan(eth, end, &proto);
	if (proto != htons(ETH_P_IP))
		return XDP_PASS;
	if (past(ip + 1, end))
		return XDP_ABORTED;
	source = ip->saddr;
	drops = bpf_map_lookup_elem(&blacklist, &source);
	if (drops) {
		*drops += 1;
		return XDP_DROP;
	}
	len = ip_header_len(ip);
	if (len < sizeof(*ip))
		return XDP_ABORTED;
	l4 = (void *)ip + len;
	opaque(l4);
	return check_port(ip, l4, end);
}

SEC("xdp")
int xdp_ddos_blacklist(struct xdp_md *ctx)
{
	u32 action = verdict(packet_start(ctx), packet_end(ctx));
	u64 *count = bpf_map_lookup_elem(&verdicts, &action);

	if (count)
		*count += 1;
	return action;
}

char _license[] SEC("license") = "Apache-2.0";
