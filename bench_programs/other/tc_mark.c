/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic control: mark and prioritise by DSCP, drop expired packets, count by class. */
#include "net.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32); /* DSCP */
	__type(value, u32); /* the mark for it; 0: leave alone */
} marks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} bytes SEC(".maps");

SEC("tc")
int tc_mark(struct __sk_buff *skb)
{
	void *end = packet_end(skb);
	struct ethhdr *eth = packet_start(skb);
	struct iphdr *ip = (void *)(eth + 1);
	u32 dscp, *mark;
	u64 *count;

	if (skb->protocol != htons(ETH_P_IP) || past(ip + 1, end))
		return TC_ACT_OK;
	if (ip->ttl == 0)
		return TC_ACT_SHOT;
	dscp = ip->tos >> 2;
	count = bpf_map_lookup_elem(&bytes, &dscp);
	if (count)
		*count += skb->len;
	mark = bpf_map_lookup_elem(&marks, &dscp);
	if (mark && *mark) {
		skb->mark = *mark;
		skb->priority = dscp >> 3; /* the class selector */
	}
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Apache-2.0";
