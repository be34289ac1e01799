/* SPDX-License-Identifier: MIT */
/*
 * gate_peer.c - the peer of the exported symbols: the same gate out of line in
 * a C shared library.
 */
#include "gate_peer.h"

#define EXPORT __attribute__((visibility("default")))

static unsigned long modifying_code[16] __attribute__((aligned(128)));
static __thread unsigned long saved __attribute__((tls_model("initial-exec"))) = 1;
static int running;

EXPORT __thread unsigned long hand_saved = 1;

EXPORT void peer_enter_slow(void)
{
	__atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
}

EXPORT void peer_exit_slow(void)
{
	__atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
}

EXPORT void peer_nmi_enter(void)
{
	unsigned long modifying = *(volatile unsigned long *)&modifying_code[0];

	saved = saved << 1 | modifying;
	if (__builtin_expect(modifying != 0, 0))
		peer_enter_slow();
}

EXPORT void peer_nmi_exit(void)
{
	if (__builtin_expect(saved & 1, 0))
		peer_exit_slow();
	saved >>= 1;
}
