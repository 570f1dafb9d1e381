/* SPDX-License-Identifier: Apache-2.0 */
/* A layer-4 load balancer: virtual address and port to one of many servers, by IPIP. */
#include "net.h"

struct vip {
	be32 addr;
	be16 port;
	u16 proto;
};

struct service {
	u32 first; /* where its ring begins in `ring` */
	be32 source; /* outer source address */
};

struct backend {
	be32 addr;
	struct mac mac; /* of the server or of the router towards it */
	u16 unused;
};

struct traffic {
	u64 packets;
	u64 bytes;
};

#define RING_SIZE 256 /* slots of one service: how its flows spread over the servers */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, struct vip);
	__type(value, struct service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512 * RING_SIZE);
	__type(key, u32);
	__type(value, u32); /* an index into `backends` */
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct backend);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct traffic);
} sent SEC(".maps");

static __always_inline void fill_outer(struct iphdr *outer, be32 source, be32 dest, u16 inner_len)
{
	outer->version_ihl = 0x45;
	outer->tos = 0;
	outer->tot_len = htons(inner_len + sizeof(*outer));
	outer->id = 0;
	outer->frag_off = htons(0x4000); /* don't fragment */
	outer->ttl = 64;
	outer->protocol = IPPROTO_IPIP;
	outer->check = 0;
	outer->saddr = source;
	outer->daddr = dest;
	outer->check = ip_checksum(outer);
}

static __always_inline void count(u32 key, u64 bytes)
{
	struct traffic *traffic = bpf_map_lookup_elem(&sent, &key);

	if (traffic) {
		traffic->packets++;
		traffic->bytes += bytes;
	}
}

SEC("xdp")
int xdp_lb4(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	struct ports *l4 = (void *)(ip + 1);
	struct vip key = {};
	struct service *service;
	struct backend *backend;
	struct mac here;
	u32 slot, *index, number;
	u16 inner_len;
	u64 hash;

	if (past(l4 + 1, end))
		return XDP_PASS;
	if (eth->proto != htons(ETH_P_IP) || ip->version_ihl != 0x45)
		return XDP_PASS;
	if (ip->frag_off & htons(IP_FRAGMENT))
		return XDP_PASS;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	key.addr = ip->daddr;
	key.port = l4->dest;
	key.proto = ip->protocol;
	service = bpf_map_lookup_elem(&services, &key);
	if (!service)
		return XDP_PASS;
	inner_len = ntohs(ip->tot_len);
	if (inner_len > 1500 - sizeof(*ip))
		return XDP_PASS; /* would not fit: the stack answers with "too big" */

	hash = flow_hash(ip->saddr, ip->daddr, l4->source, l4->dest, ip->protocol);
	slot = service->first + (hash & (RING_SIZE - 1));
	index = bpf_map_lookup_elem(&ring, &slot);
	if (!index)
		return XDP_DROP;
	number = *index;
	backend = bpf_map_lookup_elem(&backends, &number);
	if (!backend || !backend->addr)
		return XDP_DROP;

	here = eth->dest;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr)))
		return XDP_DROP;
	eth = packet_start(ctx);
	end = packet_end(ctx);
	ip = (void *)(eth + 1);
	if (past(ip + 1, end))
		return XDP_DROP;
	eth->dest = backend->mac;
	eth->source = here;
	eth->proto = htons(ETH_P_IP);
	fill_outer(ip, service->source, backend->addr, inner_len);
	count(number, end - (void *)eth);
	return XDP_TX;
}

char _license[] SEC("license") = "Apache-2.0";
