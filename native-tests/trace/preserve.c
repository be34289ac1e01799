/* SPDX-License-Identifier: MIT */
/*
 * preserve.c - a traced call leaves every register as it is: general ones, flags,
 * and as many vector and mask registers as the CPU has.
 */
#include "../test.h"
#include "../threads.h"
#include "../traced.h"
#include "registers.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static struct registers in_regs, out_regs;
static unsigned long hits;

__attribute__((target("avx512f,avx512bw"))) static void clobber_zmm(void)
{
	__asm__ __volatile__(".irp "
			     "n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,"
			     "25,26,27,28,29,30,31\n"
			     "vpternlogd $0xff, %%zmm\\n, %%zmm\\n, %%zmm\\n\n"
			     ".endr\n"
			     ".irp n,0,1,2,3,4,5,6,7\n"
			     "kxnorq %%k\\n, %%k\\n, %%k\\n\n"
			     ".endr\n" ::
				     : "memory");
}

static void clobber_vectors(void)
{
	if (vector_kind == 2)
		clobber_zmm();
	else if (vector_kind == 1)
		__asm__ __volatile__("vzeroall" ::: "memory");
	__asm__ __volatile__(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
			     "pcmpeqb %%xmm\\n, %%xmm\\n\n.endr" ::
				     : "memory");
}

static void clobber(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		    struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip;
	CHECK(!regs == !(ops->flags & FTRACE_OPS_FL_SAVE_REGS));
	hits++;
	if (!(ops->flags & FTRACE_OPS_FL_NO_VECTORS))
		clobber_vectors();
	__asm__ __volatile__("xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx\n"
			     "xor %%esi, %%esi; xor %%edi, %%edi; xor %%r8d, %%r8d\n"
			     "xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d" ::
				     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
				       "cc", "memory");
}

/* In place of the handlers: whatever they leave alone, it does not. */
static void clobber_all(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			struct ftrace_regs *regs)
{
	ops->func(ip, parent_ip, ops, regs);
	clobber_vectors();
}

static void *check_all(void *arg)
{
	static const uint64_t bits[] = {0x1, 0x4, 0x10, 0x40, 0x80, 0x800};

	for (unsigned int round = 0; round < 64; round++) {
		fill(&in_regs, round + 1);
		in_regs.flags = 0x202;
		for (int i = 0; i < 6; i++)
			in_regs.flags |= round >> i & 1 ? bits[i] : 0;
		memset(&out_regs, 0, sizeof(out_regs));
		call_with(&in_regs, &out_regs);
		check_same(&out_regs, &in_regs);
	}
	return arg;
}

int main(void)
{
	struct ftrace_ops ops[] = {
		OPS(clobber, .flags = FTRACE_OPS_FL_NO_VECTORS),
		OPS(clobber, .flags = FTRACE_OPS_FL_NO_VECTORS | FTRACE_OPS_FL_SAVE_REGS),
		OPS(clobber),
		OPS(clobber, .flags = FTRACE_OPS_FL_SAVE_REGS),
	};

	find_vector_kind();
	check_all(NULL);
	for (int way = 1; way < 32; way++) {
		unsigned long handlers = 0;
		int set = way & 15;

		CHECK_EQ(ftrace_update_ftrace_func(way & 16 ? clobber_all : NULL), 0);

		for (int i = 0; i < 4; i++) {
			if (set >> i & 1) {
				trace(&ops[i], "traced_empty");
				handlers++;
			}
		}
		hits = 0;
		/* The first call of a thread takes another way, and so does one in an NMI. */
		join(start(check_all, NULL));
		check_all(NULL);
		ftrace_nmi_enter();
		check_all(NULL);
		ftrace_nmi_exit();
		CHECK_EQ(hits, 3 * 64 * handlers);
		for (int i = 0; i < 4; i++) {
			if (set >> i & 1)
				untrace(&ops[i]);
		}
	}
	CHECK_EQ(ftrace_update_ftrace_func(NULL), 0);
	hits = 0;
	check_all(NULL);
	CHECK_EQ(hits, 0);
	dprintf(1, "%d-bit vectors\n", 128 << vector_kind);
	return 0;
}
