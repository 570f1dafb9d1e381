/* SPDX-License-Identifier: Apache-2.0 */
/* VLAN translation: by the outer tag, keep, drop, pop it, rewrite it or push another. */
#include "net.h"

enum action { KEEP, DROP, POP, REWRITE, PUSH };

struct rule {
	u32 action;
	u16 vid; /* the new one, for REWRITE and PUSH */
	u16 inner_vid; /* if not 0, the rule is for this inner tag only */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, u32); /* outer VLAN id; 0 stands for untagged */
	__type(value, struct rule);
} rules SEC(".maps");

struct macs {
	struct mac dest;
	struct mac source;
};

static __always_inline int is_tag(be16 proto)
{
	return proto == htons(ETH_P_8021Q) || proto == htons(ETH_P_8021AD);
}

/* Move the MAC addresses over the outer tag. */
static __always_inline int pop(struct xdp_md *ctx)
{
	struct macs saved, *macs = packet_start(ctx);

	if (past(macs + 1, packet_end(ctx)))
		return XDP_DROP;
	saved = *macs;
	if (bpf_xdp_adjust_head(ctx, sizeof(struct vlanhdr)))
		return XDP_DROP;
	macs = packet_start(ctx);
	if (past(macs + 1, packet_end(ctx)))
		return XDP_DROP;
	*macs = saved;
	return XDP_PASS;
}

/* Make room in front of the type field; the outer of two tags is of the service type. */
static __always_inline int push(struct xdp_md *ctx, u16 vid, be16 type)
{
	struct macs saved, *macs = packet_start(ctx);
	struct ethhdr *eth;
	struct vlanhdr *tag;

	if (past(macs + 1, packet_end(ctx)))
		return XDP_DROP;
	saved = *macs;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct vlanhdr)))
		return XDP_DROP;
	eth = packet_start(ctx);
	tag = (void *)(eth + 1);
	if (past(tag + 1, packet_end(ctx)))
		return XDP_DROP;
	eth->dest = saved.dest;
	eth->source = saved.source;
	eth->proto = type;
	tag->tci = htons(vid & VLAN_VID_MASK); /* tag->proto is the old type field */
	return XDP_PASS;
}

SEC("xdp")
int xdp_vlan(struct xdp_md *ctx)
{
	void *end = packet_end(ctx);
	struct ethhdr *eth = packet_start(ctx);
	struct vlanhdr *outer = (void *)(eth + 1), *inner = outer + 1;
	u32 vid = 0, inner_vid = 0;
	struct rule *rule;

	if (past(eth + 1, end))
		return XDP_DROP;
	if (is_tag(eth->proto)) {
		if (past(outer + 1, end))
			return XDP_DROP;
		vid = ntohs(outer->tci) & VLAN_VID_MASK;
		if (is_tag(outer->proto)) {
			if (past(inner + 1, end))
				return XDP_DROP;
			inner_vid = ntohs(inner->tci) & VLAN_VID_MASK;
		}
	}
	rule = bpf_map_lookup_elem(&rules, &vid);
	if (!rule || (rule->inner_vid && rule->inner_vid != inner_vid))
		return XDP_PASS;
	if (rule->action == DROP)
		return XDP_DROP;
	if (rule->action == PUSH)
		return push(ctx, rule->vid, htons(vid ? ETH_P_8021AD : ETH_P_8021Q));
	if (!vid)
		return XDP_PASS;
	if (rule->action == POP)
		return pop(ctx);
	if (rule->action == REWRITE && !past(outer + 1, end))
		outer->tci = (outer->tci & htons(0xF000)) | htons(rule->vid & VLAN_VID_MASK);
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
