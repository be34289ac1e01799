/* SPDX-License-Identifier: MIT */
/*
 * gate_loops.c - an enter/exit pair with the gate closed, as the header gives
 * it and as its peers do.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

#include <ftrace/nmi.h>

#include "gate_loops.h"
#include "gate_peer.h"

#ifdef HAVE_URCU
/* The inline read side, which the header allows for callers of any licence. */
#define _LGPL_SOURCE
#include <urcu/urcu-memb.h>
#endif

/* What remains when the pair costs nothing. */
PAIR_LOOP(loop_empty, (void)0, (void)0)

PAIR_LOOP(loop_inline, ftrace_nmi_enter(), ftrace_nmi_exit())

/* The same gate on variables that are not the library's. */
static unsigned long hand_modifying[16] __attribute__((aligned(128)));

static inline void hand_enter(void)
{
	unsigned long modifying = *(volatile unsigned long *)&hand_modifying[0];

	hand_saved = hand_saved << 1 | modifying;
	if (__builtin_expect(modifying != 0, 0))
		peer_enter_slow();
	__asm__ __volatile__("" ::: "memory");
}

static inline void hand_exit(void)
{
	__asm__ __volatile__("" ::: "memory");
	if (__builtin_expect(hand_saved & 1, 0))
		peer_exit_slow();
	else
		hand_saved >>= 1;
}

PAIR_LOOP(loop_hand, hand_enter(), hand_exit())

/*
 * The protocol before February 2010: every NMI announces itself. The target
 * takes the cheapest full barrier there is, the locked add of today's kernel;
 * the kernel of 2010 had an mfence in its place.
 */
static struct {
	int nmi_running;
	char rest_of_lines[124];
} ungated __attribute__((aligned(128)));

static inline void locked_add(void)
{
	__asm__ __volatile__("lock; addl $0, -4(%%rsp)" ::: "memory", "cc");
}

static inline void mfence(void)
{
	__asm__ __volatile__("mfence" ::: "memory");
}

static inline void announce(void)
{
	if (__builtin_expect(__atomic_add_fetch(&ungated.nmi_running, 1, __ATOMIC_SEQ_CST) < 0, 0))
		peer_enter_slow();
}

static inline void leave(void)
{
	__atomic_sub_fetch(&ungated.nmi_running, 1, __ATOMIC_SEQ_CST);
}

PAIR_LOOP(loop_ungated, (announce(), locked_add()), (locked_add(), leave()))
PAIR_LOOP(loop_mfence, (announce(), mfence()), (mfence(), leave()))

#ifdef HAVE_URCU
PAIR_LOOP(loop_urcu, urcu_memb_read_lock(), urcu_memb_read_unlock())

bool urcu_present(void)
{
	return true;
}

void urcu_thread_begin(void)
{
	urcu_memb_register_thread();
}

void urcu_thread_end(void)
{
	urcu_memb_unregister_thread();
}
#else
PAIR_LOOP(loop_urcu, (void)0, (void)0)

bool urcu_present(void)
{
	return false;
}

void urcu_thread_begin(void)
{
}

void urcu_thread_end(void)
{
}
#endif

/* The pair as ordinary C# exports, which enter and leave the runtime each time. */
static void (*uco_enter)(const unsigned long *modifying, unsigned long *saved);
static void (*uco_exit)(unsigned long *saved);
static __thread unsigned long uco_saved = 1;

bool uco_open(void)
{
#ifdef UCO_LIBRARY
	/* Never closed: a runtime cannot be unloaded. */
	void *library = dlopen(UCO_LIBRARY, RTLD_NOW);

	if (!library)
		return false;
	uco_enter = dlsym(library, "uco_nmi_enter");
	uco_exit = dlsym(library, "uco_nmi_exit");
#endif
	return uco_enter && uco_exit;
}

PAIR_LOOP(loop_uco, uco_enter(hand_modifying, &uco_saved), uco_exit(&uco_saved))
