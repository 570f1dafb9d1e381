/* SPDX-License-Identifier: Apache-2.0 */
/* Clamp the maximum segment size of TCP connections: behind an IPv4 header of any length
 * walk the options of a SYN, find the MSS, lower it, repair the checksum. */
#include "net.h"

#define MAX_OPTIONS 8
#define OPT_END 0
#define OPT_NOP 1
#define OPT_MSS 2
#define MSS_LEN 4

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64); /* the largest MSS to let through; 0: leave all alone */
} max_mss SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} clamped SEC(".maps");

/* Lower the MSS at `mss`.  At an odd place in the header its two bytes are swapped
 * against the words of the checksum, and so must the difference be. */
static __always_inline int clamp(struct tcphdr *tcp, u8 *mss, u64 odd, u64 limit)
{
	u64 old = ((u64)mss[0] << 8) | mss[1];
	u16 from, to;

	if (old <= limit)
		return 0;
	mss[0] = limit >> 8;
	mss[1] = limit;
	from = odd ? old : htons(old);
	to = odd ? limit : htons(limit);
	tcp->check = csum_replace2(tcp->check, from, to);
	return 1;
}

/* The place of the MSS option, counted from the TCP header; 0 if there is none inside the
 * header and the packet.  The answer is in its register before the test that decides it,
 * so that all tests leave for one place and the code runs downwards only. */
static __always_inline u64 find_mss(struct tcphdr *tcp, void *end)
{
	u64 len = ((u64)tcp->offset >> 2) & 0x3C; /* of the header with its options */
	u64 at = sizeof(*tcp), found;

	__unroll
	for (int i = 0; i < MAX_OPTIONS; i++) {
		u8 *option;

		found = 0;
		opaque(found);
		if (at > 60 - MSS_LEN || at + MSS_LEN > len)
			goto out;
		option = (u8 *)tcp + at;
		opaque(option);
		if (past(option + MSS_LEN, end) || option[0] == OPT_END)
			goto out;
		if (option[0] == OPT_NOP) {
			at += 1;
			continue;
		}
		found = at;
		opaque(found);
		if (option[0] == OPT_MSS)
			goto out;
		found = 0;
		opaque(found);
		if (option[1] < 2)
			goto out;
		at += option[1];
	}
	found = 0;
	opaque(found);
out:
	return found;
}

static __always_inline int clamp_options(struct tcphdr *tcp, void *end, u64 limit)
{
	u64 at = find_mss(tcp, end);
	u8 *option;

	if (at == 0 || at > 60 - MSS_LEN)
		return 0;
	option = (u8 *)tcp + at;
	opaque(option);
	if (past(option + MSS_LEN, end) || option[1] != MSS_LEN)
		return 0;
	return clamp(tcp, option + 2, at & 1, limit);
}

SEC("xdp")
int xdp_var_offset(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp;
	u32 zero = 0;
	u64 len, *limit, *count;

	if (past(ip + 1, end) || eth->proto != htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->protocol != IPPROTO_TCP || ip->frag_off & htons(IP_FRAGMENT))
		return XDP_PASS;
	len = ip_header_len(ip);
	if (len < sizeof(*ip))
		return XDP_DROP;
	tcp = (void *)ip + len;
	opaque(tcp);
	if (past(tcp + 1, end))
		return XDP_DROP;
	if (!(tcp->flags & TCP_SYN))
		return XDP_PASS;
	limit = bpf_map_lookup_elem(&max_mss, &zero);
	if (!limit || !*limit)
		return XDP_PASS;
	if (!clamp_options(tcp, end, *limit & 0xFFFF))
		return XDP_PASS;
	count = bpf_map_lookup_elem(&clamped, &zero);
	if (count)
		*count += 1;
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
