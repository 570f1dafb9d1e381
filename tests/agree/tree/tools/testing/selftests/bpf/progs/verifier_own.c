// SPDX-License-Identifier: Apache-2.0
/* Tests in the form of the kernel's, of each kind that is told apart. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

SEC("socket") TAG("expect_success") TAG("retval=7") TAG("description=fine")
__attribute__((naked)) int fine(void)
{
	asm volatile ("r0 = 7; exit;");
}

SEC("socket") TAG("expect_failure") TAG("expect_msg=0=R0 !read_ok")
TAG("expect_failure_unpriv") TAG("prog_flags=BPF_F_STRICT_ALIGNMENT")
__attribute__((naked)) int bad(void)
{
	asm volatile ("exit;");
}

/* Nothing that LLVM 14 can assemble, with two statements on one line. */
SEC("socket") TAG("expect_success")
__attribute__((naked)) int newer(void)
{
	asm volatile ("r1 = -8; r0 = (s8)r1; /* both */ r0 s/= 3;			\
	gotol l1_%=;								\
	l0_%=: *(u64 *)(r10 - 8) = 5; r0 = *(s8 *)(r10 - 8); exit;		\
	l1_%=: gotol l0_%=;" ::: "r0", "r1");
}

SEC("socket") TAG("expect_success")
__attribute__((naked)) int nonsense(void)
{
	asm volatile ("r0 = utterly wrong; exit;");
}

/* Expected to fail only for a user without privileges: says nothing of a privileged load. */
SEC("tc") TAG("expect_failure_unpriv")
__attribute__((naked)) int only_unprivileged(void)
{
	asm volatile ("r0 = 0; exit;");
}

SEC("fentry/some_function") TAG("expect_success")
__attribute__((naked)) int of_another_type(void)
{
	asm volatile ("r0 = 0; exit;");
}

extern int bpf_some_kfunc(void) __attribute__((section(".ksyms")));

SEC("tc") TAG("expect_success")
int with_kfunc(void *ctx)
{
	return bpf_some_kfunc();
}

char _license[] SEC("license") = "GPL";
