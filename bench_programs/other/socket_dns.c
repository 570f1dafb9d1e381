/* SPDX-License-Identifier: Apache-2.0 */
/* A socket filter that keeps DNS queries, for packet sockets of type SOCK_DGRAM (the data
 * begins with the network header).  A helper copies headers to the stack, from a variable
 * place behind the IPv4 options.  The result is how many bytes to keep. */
#include "net.h"

#define DNS_PORT 53
#define DNS_RESPONSE 0x80

struct dns {
	be16 id;
	u8 flags;
	u8 code;
	be16 questions;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64); /* [0] other packets, [1] queries */
} seen SEC(".maps");

static __always_inline int is_query(struct __sk_buff *skb)
{
	struct iphdr ip;
	struct udphdr udp;
	struct dns dns;
	u64 at;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
		return 0;
	if (ip.version_ihl >> 4 != 4 || ip.protocol != IPPROTO_UDP)
		return 0;
	if (ip.frag_off & htons(IP_FRAGMENT))
		return 0;
	at = ip_header_len(&ip);
	if (at < sizeof(ip))
		return 0;
	if (bpf_skb_load_bytes(skb, at, &udp, sizeof(udp)) || udp.dest != htons(DNS_PORT))
		return 0;
	at += sizeof(udp);
	if (bpf_skb_load_bytes(skb, at, &dns, sizeof(dns)))
		return 0;
	return !(dns.flags & DNS_RESPONSE) && dns.questions != 0;
}

SEC("socket")
int socket_dns(struct __sk_buff *skb)
{
	u32 query = skb->protocol == htons(ETH_P_IP) && is_query(skb);
	u64 *count = bpf_map_lookup_elem(&seen, &query);

	if (count)
		__sync_fetch_and_add(count, 1);
	return query ? skb->len : 0;
}

char _license[] SEC("license") = "Apache-2.0";
