/* SPDX-License-Identifier: Apache-2.0 */
/* In place of the header that a build of the selftests makes from the types of the running
 * kernel: the types of the user-space interface, and of the kernel's own only what the tests
 * name.  Where a field is at is not known here, and is looked up by nobody: programs that
 * follow pointers into the kernel are told from the others before.
 */
#ifndef BPFSMT_VMLINUX_H
#define BPFSMT_VMLINUX_H

#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

typedef int pid_t;

typedef __u8 uint8_t;
typedef __u16 uint16_t;
typedef __u32 uint32_t;
typedef __u64 uint64_t;

enum page_size { __PAGE_SIZE = 4096 };

struct bpf_cpumask;

struct bpf_map {
	__u32 id;
	__u32 max_entries;
	struct bpf_map *inner_map_meta;
};

struct sk_buff {
	__u32 len;
	void *data;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
};

struct iphdr {
	__u8 ihl : 4, version : 4;
	__u8 rest[19];
};

struct tcphdr {
	__u16 source;
	__u16 dest;
	__u8 rest[16];
};

struct callback_head {
	struct callback_head *next;
};

struct path {
	void *mnt;
	void *dentry;
};

struct file {
	struct path f_path;
	struct callback_head f_task_work;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct mm_struct {
	struct file *exe_file;
};

struct task_struct {
	int pid;
	int tgid;
	struct task_struct *parent;
	struct mm_struct *mm;
	struct fs_struct *fs;
};

struct cgroup_subsys_state {
	int id;
};

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
};

struct bpf_iter_bits {
	__u64 opaque[2];
};

struct bpf_dummy_ops_state;
struct bpf_dummy_ops {
	int (*test_1)(struct bpf_dummy_ops_state *state);
	int (*test_2)(struct bpf_dummy_ops_state *state, int a1, unsigned short a2, char a3,
		      unsigned long a4);
	int (*test_sleepable)(struct bpf_dummy_ops_state *state);
};

struct nf_hook_state {
	u8 hook;
	u8 pf;
	void *in;
	void *out;
	void *sk;
	void *net;
	void *okfn;
};

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

struct skb_shared_info {
	__u8 before[48];
	__u8 frags[16];
};

#endif
