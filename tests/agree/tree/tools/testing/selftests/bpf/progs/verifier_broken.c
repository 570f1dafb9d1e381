// SPDX-License-Identifier: Apache-2.0
#include <vmlinux.h>

int broken(struct of_no_known_layout *p)
{
	return p->member;
}
