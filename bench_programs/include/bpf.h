/* SPDX-License-Identifier: Apache-2.0
 *
 * What a BPF program needs to know of its kernel: types, contexts, maps, helpers.
 * The numbers are the kernel's user-space ABI; the text is this project's own.
 */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

/* Values in network byte order.  The compiler sees plain integers; the reader does not. */
typedef u16 be16;
typedef u32 be32;

#define SEC(name) __attribute__((section(name), used))
#define __always_inline inline __attribute__((always_inline))
#define __unroll _Pragma("clang loop unroll(full)")

/* Hide a value from the optimiser: what is computed from it later is computed from this
 * very register.  A verifier that ties a bounds check to a register needs that, because
 * the compiler would otherwise check one sum and dereference another equal one, or drop
 * a mask that it knows to be redundant and the verifier does not. */
#define opaque(x) asm volatile("" : "+r"(x))

/* ---- XDP ---------------------------------------------------------------------------- */

enum xdp_action { XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT };

struct xdp_md {
	u32 data;
	u32 data_end;
	u32 data_meta;
	u32 ingress_ifindex;
	u32 rx_queue_index;
};

/* The 32-bit context fields that stand for packet pointers, as pointers. */
#define packet_start(ctx) ((void *)(unsigned long)(ctx)->data)
#define packet_end(ctx) ((void *)(unsigned long)(ctx)->data_end)
#define packet_meta(ctx) ((void *)(unsigned long)(ctx)->data_meta)

/* ---- Socket buffers (sched_cls, socket filter, cgroup_skb) -------------------------- */

struct __sk_buff {
	u32 len;
	u32 pkt_type;
	u32 mark;
	u32 queue_mapping;
	u32 protocol;
	u32 vlan_present;
	u32 vlan_tci;
	u32 vlan_proto;
	u32 priority;
	u32 ingress_ifindex;
	u32 ifindex;
	u32 tc_index;
	u32 cb[5];
	u32 hash;
	u32 tc_classid;
	u32 data;
	u32 data_end;
	u32 napi_id;
};

enum tc_action { TC_ACT_OK = 0, TC_ACT_SHOT = 2 };

/* ---- Maps --------------------------------------------------------------------------- */

/* A map is a global whose BTF type spells out its definition: a number n is written as
 * a pointer to an array of n elements, a type as a pointer to it. */
#define __uint(name, number) int (*name)[number]
#define __type(name, type) __typeof__(type) *name

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_DEVMAP = 14,
	BPF_MAP_TYPE_CPUMAP = 16,
	BPF_MAP_TYPE_XSKMAP = 17,
};

#define BPF_F_NO_PREALLOC 1U /* map flag; the LPM trie exists only with it */

enum { BPF_ANY, BPF_NOEXIST, BPF_EXIST }; /* update flags */

/* ---- Helpers: a call of the constant address n is a call of helper n ---------------- */

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value,
				   u64 flags) = (void *)2;
static u64 (*bpf_ktime_get_ns)(void) = (void *)5;
static long (*bpf_tail_call)(void *ctx, void *prog_array, u32 index) = (void *)12;
static u64 (*bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*bpf_perf_event_output)(void *ctx, void *map, u64 flags, const void *data,
				     u64 size) = (void *)25;
static long (*bpf_skb_load_bytes)(const void *skb, u32 offset, void *to, u32 len) = (void *)26;
static s64 (*bpf_csum_diff)(const be32 *from, u32 from_size, const be32 *to, u32 to_size,
			    u32 seed) = (void *)28;
static long (*bpf_xdp_adjust_head)(struct xdp_md *ctx, int delta) = (void *)44;
static long (*bpf_redirect_map)(void *map, u64 key, u64 flags) = (void *)51;
static long (*bpf_xdp_adjust_meta)(struct xdp_md *ctx, int delta) = (void *)54;

/* ---- Routing table lookup ----------------------------------------------------------- */

enum {
	BPF_FIB_LKUP_RET_SUCCESS,
	BPF_FIB_LKUP_RET_BLACKHOLE,
	BPF_FIB_LKUP_RET_UNREACHABLE,
	BPF_FIB_LKUP_RET_PROHIBIT,
};

struct bpf_fib_lookup {
	u8 family;
	u8 l4_protocol;
	be16 sport;
	be16 dport;
	u16 tot_len;
	u32 ifindex; /* in: where it arrived; out: where it leaves */
	union {
		u8 tos;
		be32 flowinfo;
	};
	be32 src[4]; /* IPv4 uses the first word only */
	be32 dst[4];
	be16 h_vlan_proto;
	be16 h_vlan_TCI;
	u8 smac[6];
	u8 dmac[6];
};

static long (*bpf_fib_lookup)(void *ctx, struct bpf_fib_lookup *params, int size,
			      u32 flags) = (void *)69;
