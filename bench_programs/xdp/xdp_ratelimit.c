/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A token bucket per source address.  The tokens are nanoseconds: time fills the bucket,
 * a packet takes what its share of a second is.  Two CPUs that race for one bucket may
 * let a packet too many through; that is cheaper than a lock. */
#include "net.h"

struct limit {
	u32 packets_per_second; /* 0: no limit */
	u32 burst; /* packets */
};

struct bucket {
	u64 tokens;
	u64 filled_at;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct limit);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, be32);
	__type(value, struct bucket);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64); /* [0] passed, [1] dropped */
} verdicts SEC(".maps");

/* Whether the source may send one more packet. */
static __always_inline int take(be32 source, u64 price, u64 full)
{
	u64 now = bpf_ktime_get_ns(), tokens;
	struct bucket *bucket = bpf_map_lookup_elem(&buckets, &source);

	if (!bucket) {
		struct bucket fresh = { .tokens = full - price, .filled_at = now };

		bpf_map_update_elem(&buckets, &source, &fresh, BPF_ANY);
		return 1;
	}
	tokens = bucket->tokens + (now - bucket->filled_at);
	if (tokens > full)
		tokens = full;
	bucket->filled_at = now;
	if (tokens < price) {
		bucket->tokens = tokens;
		return 0;
	}
	bucket->tokens = tokens - price;
	return 1;
}

SEC("xdp")
int xdp_ratelimit(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	struct limit *limit;
	u64 price, *count;
	u32 dropped = 0, zero = 0;

	if (past(ip + 1, end))
		return XDP_PASS;
	if (eth->proto != htons(ETH_P_IP))
		return XDP_PASS;
	limit = bpf_map_lookup_elem(&limits, &zero);
	if (!limit || !limit->packets_per_second || !limit->burst)
		return XDP_PASS;
	price = 1000000000ULL / limit->packets_per_second;
	if (!take(ip->saddr, price, price * limit->burst))
		dropped = 1;
	count = bpf_map_lookup_elem(&verdicts, &dropped);
	if (count)
		*count += 1;
	return dropped ? XDP_DROP : XDP_PASS;
}

/* The clock was open to GPL-compatible programs only, until Linux 5.8. */
char _license[] SEC("license") = "Dual MIT/GPL";
