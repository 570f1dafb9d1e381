/* SPDX-License-Identifier: Apache-2.0 */
/* Give the datagrams for some ports straight to user space: one AF_XDP socket for each
 * receive queue.  A queue without a socket, and everything else, is the stack's. */
#include "net.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 64);
	__type(key, u32); /* receive queue */
	__type(value, u32); /* socket */
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, be16); /* destination port */
	__type(value, u64); /* packets for it */
} wanted SEC(".maps");

SEC("xdp")
int xdp_xsk(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp;
	be16 port;
	u64 *count;

	if (past(ip + 1, end) || eth->proto != htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->protocol != IPPROTO_UDP || (ip->frag_off & htons(IP_FRAGMENT)))
		return XDP_PASS;
	udp = (void *)ip + ip_header_len(ip);
	opaque(udp);
	if (past(udp + 1, end))
		return XDP_PASS;
	port = udp->dest;
	count = bpf_map_lookup_elem(&wanted, &port);
	if (!count)
		return XDP_PASS;
	__sync_fetch_and_add(count, 1);
	return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "Apache-2.0";
