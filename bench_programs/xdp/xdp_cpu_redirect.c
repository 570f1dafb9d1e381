/* SPDX-License-Identifier: Apache-2.0 */
/* Spread flows over CPUs: both directions of a flow land on the same one. */
#include "net.h"

#define MAX_CPUS 64

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, MAX_CPUS);
	__type(key, u32);
	__type(value, u32); /* queue length */
} cpu_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CPUS);
	__type(key, u32);
	__type(value, u32); /* a CPU number */
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32); /* how many entries of `cpus` are set */
} cpu_count SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_CPUS);
	__type(key, u32);
	__type(value, u64);
} moved SEC(".maps");

static __always_inline u64 hash_ports(void *l4, void *end, u64 proto, u64 saddr, u64 daddr)
{
	struct ports *ports = l4;

	if ((proto != IPPROTO_TCP && proto != IPPROTO_UDP) || past(ports + 1, end))
		return flow_hash(saddr, daddr, 0, 0, proto);
	return flow_hash(saddr, daddr, ports->source, ports->dest, proto);
}

static __always_inline u64 hash_ipv4(struct iphdr *ip, void *end)
{
	void *l4;

	if (past(ip + 1, end))
		return 0;
	if (ip->frag_off & htons(IP_FRAGMENT))
		return flow_hash(ip->saddr, ip->daddr, 0, 0, 0);
	l4 = (void *)ip + ip_header_len(ip);
	opaque(l4);
	return hash_ports(l4, end, ip->protocol, ip->saddr, ip->daddr);
}

static __always_inline u64 hash_ipv6(struct ipv6hdr *ip6, void *end)
{
	u64 saddr = 0, daddr = 0;

	if (past(ip6 + 1, end))
		return 0;
	__unroll
	for (int i = 0; i < 4; i++) {
		saddr ^= ip6->saddr[i];
		daddr ^= ip6->daddr[i];
	}
	return hash_ports(ip6 + 1, end, ip6->nexthdr, saddr, daddr);
}

SEC("xdp")
int xdp_cpu_redirect(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	void *l3;
	be16 proto;
	u32 zero = 0, slot, cpu, *count, *choice;
	u64 hash = 0, *counter;

	if (past(eth + 1, end))
		return XDP_DROP;
	l3 = skip_vlan(eth, end, &proto);
	if (proto == htons(ETH_P_IP))
		hash = hash_ipv4(l3, end);
	else if (proto == htons(ETH_P_IPV6))
		hash = hash_ipv6(l3, end);

	count = bpf_map_lookup_elem(&cpu_count, &zero);
	if (!count || !*count)
		return XDP_PASS;
	slot = hash % *count;
	choice = bpf_map_lookup_elem(&cpus, &slot);
	if (!choice)
		return XDP_PASS;
	cpu = *choice;
	if (cpu >= MAX_CPUS)
		return XDP_PASS;
	counter = bpf_map_lookup_elem(&moved, &cpu);
	if (counter)
		*counter += 1;
	return bpf_redirect_map(&cpu_map, cpu, 0);
}

char _license[] SEC("license") = "Apache-2.0";
