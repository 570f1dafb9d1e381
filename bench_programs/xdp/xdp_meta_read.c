/* SPDX-License-Identifier: Apache-2.0 */
/* Second stage of the pipeline: act on the metadata that xdp_meta_mark left. */
#include "net.h"

struct mark {
	u32 flow;
	u16 stage;
	u16 dest_port;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u16); /* destination port */
	__type(value, u32); /* the XDP action for it */
} port_actions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u64); /* packets by the low bits of the flow's hash */
} spread SEC(".maps");

SEC("xdp")
int xdp_meta_read(struct xdp_md *ctx)
{
	struct mark *mark = packet_meta(ctx);
	u32 bucket, *action;
	u64 *count;
	u16 port;

	if (past(mark + 1, packet_start(ctx)))
		return XDP_PASS; /* nobody marked it */
	bucket = mark->flow & 255;
	count = bpf_map_lookup_elem(&spread, &bucket);
	if (count)
		*count += 1;
	port = mark->dest_port;
	action = bpf_map_lookup_elem(&port_actions, &port);
	if (!action)
		return XDP_PASS;
	if (*action > XDP_TX)
		return XDP_ABORTED;
	return *action;
}

char _license[] SEC("license") = "Apache-2.0";
