/* SPDX-License-Identifier: Apache-2.0 */
/* First stage of a pipeline: classify, leave the result in front of the packet as
 * metadata, and hand over to the stage for the protocol by a tail call. */
#include "net.h"

enum { STAGE_OTHER, STAGE_TCP, STAGE_UDP, STAGES };

/* What xdp_meta_read finds. */
struct mark {
	u32 flow;
	u16 stage;
	u16 dest_port;
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGES);
	__type(key, u32);
	__type(value, u32);
} stages SEC(".maps");

static __always_inline void classify(struct mark *mark, void *data, void *end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct ports *l4;

	if (past(ip + 1, end) || eth->proto != htons(ETH_P_IP))
		return;
	mark->flow = flow_hash(ip->saddr, ip->daddr, 0, 0, ip->protocol);
	if (ip->frag_off & htons(IP_FRAGMENT))
		return;
	l4 = (void *)ip + ip_header_len(ip);
	opaque(l4);
	if (past(l4 + 1, end))
		return;
	if (ip->protocol == IPPROTO_TCP)
		mark->stage = STAGE_TCP;
	else if (ip->protocol == IPPROTO_UDP)
		mark->stage = STAGE_UDP;
	else
		return;
	mark->dest_port = ntohs(l4->dest);
	mark->flow = flow_hash(ip->saddr, ip->daddr, l4->source, l4->dest, ip->protocol);
}

SEC("xdp")
int xdp_meta_mark(struct xdp_md *ctx)
{
	struct mark mark = {}, *room;

	classify(&mark, packet_start(ctx), packet_end(ctx));
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*room)))
		return XDP_PASS; /* this driver has no room for metadata */
	room = packet_meta(ctx);
	if (past(room + 1, packet_start(ctx)))
		return XDP_ABORTED;
	*room = mark;
	bpf_tail_call(ctx, &stages, mark.stage);
	return XDP_PASS; /* no such stage */
}

char _license[] SEC("license") = "Apache-2.0";
