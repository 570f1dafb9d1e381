/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Send the head of one packet in N to user space, as a record with a time stamp. */
#include "net.h"

#define HEAD 64
#define CURRENT_CPU 0xFFFFFFFFULL
#define APPEND(len) ((u64)(len) << 32) /* this much of the packet behind the record */

struct record {
	u64 time;
	u32 ifindex;
	u32 queue;
	u32 length;
	u32 head;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u32);
} records SEC(".maps");

struct state {
	u64 every; /* N; 0: no samples */
	u64 seen;
	u64 lost;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct state);
} states SEC(".maps");

SEC("xdp")
int xdp_sample(struct xdp_md *ctx)
{
	u64 length = packet_end(ctx) - packet_start(ctx), head = length;
	struct record record = {};
	struct state *state;
	u32 zero = 0;

	state = bpf_map_lookup_elem(&states, &zero);
	if (!state || !state->every)
		return XDP_PASS;
	state->seen++;
	if (state->seen % state->every)
		return XDP_PASS;
	if (head > HEAD)
		head = HEAD;
	record.time = bpf_ktime_get_ns();
	record.ifindex = ctx->ingress_ifindex;
	record.queue = ctx->rx_queue_index;
	record.length = length;
	record.head = head;
	if (bpf_perf_event_output(ctx, &records, CURRENT_CPU | APPEND(head), &record,
				  sizeof(record)))
		state->lost++;
	return XDP_PASS;
}

/* Perf events are open to GPL-compatible programs only. */
char _license[] SEC("license") = "Dual MIT/GPL";
