/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets: header layouts (as in their RFCs), byte order, checksums, and the small
 * parsing steps that several programs share.
 */
#pragma once

#include "bpf.h"

/* ---- Byte order (the target is little-endian) --------------------------------------- */

#define htons(x) ((be16)__builtin_bswap16(x))
#define ntohs(x) ((u16)__builtin_bswap16(x))
#define htonl(x) ((be32)__builtin_bswap32(x))
#define ntohl(x) ((u32)__builtin_bswap32(x))

/* ---- Headers ------------------------------------------------------------------------ */

#define ETH_P_IP 0x0800
#define ETH_P_ARP 0x0806
#define ETH_P_IPV6 0x86DD
#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88A8
#define AF_INET 2
#define AF_INET6 10

struct mac {
	u16 word[3];
};

struct ethhdr {
	struct mac dest;
	struct mac source;
	be16 proto;
};

struct vlanhdr {
	be16 tci;
	be16 proto; /* of what follows */
};
#define VLAN_VID_MASK 0x0FFF

struct iphdr {
	u8 version_ihl;
	u8 tos;
	be16 tot_len;
	be16 id;
	be16 frag_off;
	u8 ttl;
	u8 protocol;
	u16 check;
	be32 saddr;
	be32 daddr;
} __attribute__((packed, aligned(2)));
#define IP_FRAGMENT 0x3FFF /* more fragments, or an offset */

struct ipv6hdr {
	be32 version_class_flow;
	be16 payload_len;
	u8 nexthdr;
	u8 hop_limit;
	be32 saddr[4];
	be32 daddr[4];
} __attribute__((packed, aligned(2)));

struct tcphdr {
	be16 source;
	be16 dest;
	be32 seq;
	be32 ack;
	u8 offset; /* header length in words, in the high four bits */
	u8 flags;
	be16 window;
	u16 check;
	be16 urgent;
} __attribute__((packed, aligned(2)));
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct udphdr {
	be16 source;
	be16 dest;
	be16 len;
	u16 check;
};

struct icmphdr { /* also ICMPv6 */
	u8 type;
	u8 code;
	u16 check;
	be16 id;
	be16 sequence;
};

enum {
	IPPROTO_HOPOPTS = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_IPIP = 4,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_ROUTING = 43,
	IPPROTO_FRAGMENT = 44,
	IPPROTO_AH = 51,
	IPPROTO_ICMPV6 = 58,
	IPPROTO_DSTOPTS = 60,
};

/* The first four bytes of both TCP and UDP. */
struct ports {
	be16 source;
	be16 dest;
};

/* ---- Parsing ------------------------------------------------------------------------ */

/* Whether a header that ends at `p` (exclusive) is cut off by the end of the packet. */
static __always_inline int past(const void *p, const void *end)
{
	return p > end;
}

/* The header length that an IPv4 header gives, in bytes: 0..60, a multiple of four. */
static __always_inline u64 ip_header_len(const struct iphdr *ip)
{
	return ((u64)ip->version_ihl << 2) & 0x3C;
}

/* What follows the Ethernet header and up to two VLAN tags; its protocol in `proto`.
 * The result lies inside the packet or at its end, so the caller still checks. */
static __always_inline void *skip_vlan(struct ethhdr *eth, void *end, be16 *proto)
{
	void *next = eth + 1;

	*proto = eth->proto;
	__unroll
	for (int i = 0; i < 2; i++) {
		struct vlanhdr *tag = next;

		if (*proto != htons(ETH_P_8021Q) && *proto != htons(ETH_P_8021AD))
			break;
		if (past(tag + 1, end))
			break;
		*proto = tag->proto;
		next = tag + 1;
	}
	return next;
}

static __always_inline void swap_macs(struct ethhdr *eth)
{
	struct mac old = eth->dest;

	eth->dest = eth->source;
	eth->source = old;
}

/* ---- Hashing ------------------------------------------------------------------------ */

/* A 32-bit hash of a flow (multiply and fold).  The addresses and the ports go in as
 * sums, so that both directions of a flow hash alike. */
static __always_inline u64 flow_hash(u64 saddr, u64 daddr, u64 sport, u64 dport, u64 proto)
{
	u64 h = (saddr + daddr) ^ ((sport + dport) << 32) ^ (proto << 56);

	h *= 0x9E3779B97F4A7C15ULL; /* 2^64 / golden ratio */
	h ^= h >> 29;
	h *= 0xBF58476D1CE4E5B9ULL;
	return h >> 32;
}

/* ---- Checksums (RFC 1071, RFC 1624) ------------------------------------------------- */

/* Fold a sum of 16-bit words (at most 2^48) to 16 bits, carries around. */
static __always_inline u64 csum_fold(u64 sum)
{
	sum = (sum & 0xFFFF) + (sum >> 16);
	sum = (sum & 0xFFFF) + (sum >> 16);
	sum = (sum & 0xFFFF) + (sum >> 16);
	return sum;
}

/* The checksum after one 16-bit word changed: HC' = ~(~HC + ~m + m'). */
static __always_inline u16 csum_replace2(u16 check, u16 from, u16 to)
{
	return (u16)~csum_fold((u64)(u16)~check + (u16)~from + to);
}

/* The same for a 32-bit word. */
static __always_inline u16 csum_replace4(u16 check, be32 from, be32 to)
{
	u64 sum = (u64)(u16)~check + (u32)~from;

	return (u16)~csum_fold(sum + to);
}

/* The checksum of an option-less IPv4 header whose `check` field is zero. */
static __always_inline u16 ip_checksum(const struct iphdr *ip)
{
	const u16 *word = (const u16 *)ip;
	u64 sum = 0;

	__unroll
	for (int i = 0; i < (int)(sizeof(*ip) / 2); i++)
		sum += word[i];
	return (u16)~csum_fold(sum);
}

/* One hop: TTL down by one, checksum with it (the TTL is the high byte of its word in
 * network order, so the sum rises by 0x0100). */
static __always_inline void ip_decrease_ttl(struct iphdr *ip)
{
	u64 check = (u64)ip->check + htons(0x0100);

	ip->check = (u16)(check + (check >> 16));
	ip->ttl--;
}
