/* SPDX-License-Identifier: Apache-2.0 */
/* A cgroup's sockets may receive so many bytes and no more; 1 lets a packet in. */
#include "net.h"

struct quota {
	u64 packets;
	u64 bytes;
	u64 limit; /* in bytes; 0: none */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u32); /* AF_INET, AF_INET6 */
	__type(value, struct quota);
} quotas SEC(".maps");

SEC("cgroup_skb/ingress")
int cgroup_quota(struct __sk_buff *skb)
{
	u32 family = skb->protocol == htons(ETH_P_IPV6) ? AF_INET6 : AF_INET;
	struct quota *quota = bpf_map_lookup_elem(&quotas, &family);

	if (!quota) {
		struct quota fresh = { .packets = 1, .bytes = skb->len };

		bpf_map_update_elem(&quotas, &family, &fresh, BPF_NOEXIST);
		return 1;
	}
	if (quota->limit && quota->bytes + skb->len > quota->limit)
		return 0;
	__sync_fetch_and_add(&quota->packets, 1);
	__sync_fetch_and_add(&quota->bytes, skb->len);
	return 1;
}

char _license[] SEC("license") = "Apache-2.0";
