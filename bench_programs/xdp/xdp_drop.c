/* SPDX-License-Identifier: Apache-2.0 */
/* Drop everything, after touching the packet and counting it: the paper's drop benchmark. */
#include "net.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} dropped SEC(".maps");

SEC("xdp")
int xdp_drop(struct xdp_md *ctx)
{
	struct ethhdr *eth = packet_start(ctx);
	u32 key = 0;
	u64 *count;

	if (past(eth + 1, packet_end(ctx)))
		return XDP_ABORTED;
	count = bpf_map_lookup_elem(&dropped, &key);
	if (count)
		*count += 1;
	return XDP_DROP;
}

char _license[] SEC("license") = "Apache-2.0";
