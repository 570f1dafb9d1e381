/* SPDX-License-Identifier: Apache-2.0 */
/* A VLAN-aware bridge's fast path: known station to known station, the rest to the stack. */
#include "net.h"

struct station {
	struct mac mac;
	u16 vid;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct station);
	__type(value, u32); /* port: an index into `tx_ports` */
} stations SEC(".maps");

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
int xdp_l2fwd(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct station key = {};
	u32 *from, *to, port;
	u64 *count;

	if (past(eth + 1, end))
		return XDP_DROP;
	if (eth->dest.word[0] & 1)
		return XDP_PASS; /* multicast: flooding is the stack's work */
	if (eth->proto == htons(ETH_P_8021Q)) {
		struct vlanhdr *tag = (void *)(eth + 1);

		if (past(tag + 1, end))
			return XDP_DROP;
		key.vid = ntohs(tag->tci) & VLAN_VID_MASK;
	}
	key.mac = eth->source;
	from = bpf_map_lookup_elem(&stations, &key);
	if (!from)
		return XDP_PASS; /* let the bridge learn it */
	key.mac = eth->dest;
	to = bpf_map_lookup_elem(&stations, &key);
	if (!to)
		return XDP_PASS;
	if (*from == *to)
		return XDP_DROP; /* it is where it belongs */
	port = *to;
	count = bpf_map_lookup_elem(&forwarded, &port);
	if (count)
		*count += 1;
	return bpf_redirect_map(&tx_ports, port, 0);
}

char _license[] SEC("license") = "Apache-2.0";
