/* SPDX-License-Identifier: Apache-2.0 */
/* How often each process comes by a kernel function, with its last thread. */
#include "bpf.h"

struct visits {
	u64 count;
	u32 last_thread;
	u32 threads; /* changes of thread seen */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32); /* process */
	__type(value, struct visits);
} visits SEC(".maps");

SEC("kprobe/tcp_v4_connect")
int kprobe_count(void *registers)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 process = id >> 32, thread = id;
	struct visits *known = bpf_map_lookup_elem(&visits, &process);

	(void)registers;
	if (!known) {
		struct visits first = { .count = 1, .last_thread = thread, .threads = 1 };

		bpf_map_update_elem(&visits, &process, &first, BPF_NOEXIST);
		return 0;
	}
	__sync_fetch_and_add(&known->count, 1);
	if (known->last_thread != thread) {
		known->last_thread = thread;
		known->threads++;
	}
	return 0;
}

char _license[] SEC("license") = "Apache-2.0";
