/* SPDX-License-Identifier: MIT */
/*
 * results.c - every way to return a result, and to pass arguments, keeps them; and so does each
 * register at both ends, whatever handlers do that are allowed to.
 *
 * results kinds      each kind of result and of arguments
 * results registers  all registers, through a function that changes none: a compiler may rely
 *                    on that (-fipa-ra)
 */
#include "../modes.h"
#include "../threads.h"
#include "../trace/registers.h"
#include "graphed.h"

#include <complex.h>
#include <stdarg.h>

struct big {
	long words[20];
};

struct mixed_pair {
	double d;
	long l;
};

typedef double v4 __attribute__((vector_size(32)));
typedef double v8 __attribute__((vector_size(64)));

TRACED long rf_many(int a, int b, int c, int d, int e, int f, long g, long h, long i, double x);
TRACED long rf_va(int n, ...);
TRACED struct big rf_big(int x);
TRACED struct mixed_pair rf_pair(int x);
TRACED long double rf_ld(long double x);
TRACED __int128 rf_i128(__int128 x);
TRACED double complex rf_cd(double complex x);
TRACED long double complex rf_cld(long double complex x);
TRACED float rf_float(float x);
TRACED void *rf_pointer(void *x);
TRACED long rf_by_value(struct big big, long after);
TRACED __attribute__((target("avx2"))) v4 rf_v4(v4 x);
TRACED __attribute__((target("avx512f"))) v8 rf_v8(v8 x);

TRACED long rf_many(int a, int b, int c, int d, int e, int f, long g, long h, long i, double x)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + (long)(10 * x);
}

TRACED long rf_va(int n, ...)
{
	long sum = 0;
	va_list list;

	va_start(list, n);
	for (int i = 0; i < n; i++) {
		sum += va_arg(list, int);
		sum += 10 * va_arg(list, double);
	}
	va_end(list);
	return sum;
}

TRACED struct big rf_big(int x)
{
	struct big big;

	for (int i = 0; i < 20; i++)
		big.words[i] = x + i;
	return big;
}

TRACED struct mixed_pair rf_pair(int x)
{
	return (struct mixed_pair){x + 0.5, x + 1};
}

TRACED long double rf_ld(long double x)
{
	return x * 3;
}

TRACED __int128 rf_i128(__int128 x)
{
	return x * 5;
}

TRACED double complex rf_cd(double complex x)
{
	return x * 2;
}

TRACED long double complex rf_cld(long double complex x)
{
	return x * 2;
}

TRACED float rf_float(float x)
{
	return x / 2;
}

TRACED void *rf_pointer(void *x)
{
	return (char *)x + 1;
}

TRACED long rf_by_value(struct big big, long after)
{
	long sum = after;

	for (int i = 0; i < 20; i++)
		sum += big.words[i];
	return sum;
}

TRACED v4 rf_v4(v4 x)
{
	return x + x;
}

TRACED v8 rf_v8(v8 x)
{
	return x + x;
}

__attribute__((target("avx2"))) static void check_v4(void)
{
	v4 result = rf_v4((v4){1, 2, 3, 4});

	for (int i = 0; i < 4; i++)
		CHECK(result[i] == 2 * (i + 1));
}

__attribute__((target("avx512f"))) static void check_v8(void)
{
	v8 result = rf_v8((v8){1, 2, 3, 4, 5, 6, 7, 8});

	for (int i = 0; i < 8; i++)
		CHECK(result[i] == 2 * (i + 1));
}

static void *check_results(void *arg)
{
	__int128 wide = (__int128)5 << 100;
	char here;

	CHECK_EQ(rf_many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10.), 385);
	CHECK_EQ(rf_va(3, 1, 2., 3, 4., 5, 6.), 129);
	CHECK_EQ(rf_big(5).words[19], 24);
	CHECK(rf_pair(3).d == 3.5 && rf_pair(3).l == 4);
	CHECK(rf_ld(2.5L) == 7.5L);
	CHECK(rf_i128((__int128)1 << 100) == wide);
	CHECK(rf_cd(1.0 + 2.0 * I) == 2.0 + 4.0 * I);
	CHECK(rf_cld(1.0L + 2.0L * I) == 2.0L + 4.0L * I);
	CHECK(rf_float(3) == 1.5F);
	CHECK(rf_pointer(&here) == &here + 1);
	CHECK_EQ(rf_by_value(rf_big(0), 10), 200);
	if (__builtin_cpu_supports("avx2"))
		check_v4();
	if (__builtin_cpu_supports("avx512f"))
		check_v8();
	return arg;
}

__attribute__((target("avx512f,avx512bw"))) static void change_zmm(void)
{
	__asm__ __volatile__(
		".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,"
		"28,29,30,31\n"
		"vpternlogd $0xff, %%zmm\\n, %%zmm\\n, %%zmm\\n\n"
		".endr\n"
		".irp n,0,1,2,3,4,5,6,7\n"
		"kxnorq %%k\\n, %%k\\n, %%k\\n\n"
		".endr\n" ::
			: "memory");
}

/* All that a handler may change. */
static void change_registers(struct ftrace_graph_ops *ops)
{
	if (!(ops->flags & FTRACE_OPS_FL_NO_VECTORS)) {
		if (vector_kind == 2)
			change_zmm();
		else if (vector_kind == 1)
			__asm__ __volatile__("vzeroall" ::: "memory");
		__asm__ __volatile__(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
				     "pcmpeqb %%xmm\\n, %%xmm\\n\n.endr\n"
				     "fld1; fld1; fld1; faddp; faddp; fstp %%st(0)\n" ::
					     : "memory");
	}
	__asm__ __volatile__("xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx\n"
			     "xor %%esi, %%esi; xor %%edi, %%edi; xor %%r8d, %%r8d\n"
			     "xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d" ::
				     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
				       "cc", "memory");
}

static unsigned long entered, left;

static int change_at_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			   struct ftrace_regs *regs)
{
	(void)regs;
	__atomic_add_fetch(&entered, 1, __ATOMIC_RELAXED);
	call->data = ops;
	change_registers(ops);
	return 1;
}

static void change_at_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			   struct ftrace_regs *regs)
{
	(void)regs;
	CHECK(call->data == ops);
	__atomic_add_fetch(&left, 1, __ATOMIC_RELAXED);
	change_registers(ops);
}

static struct ftrace_graph_ops changing[GRAPH_KINDS] = {
	GRAPH_OPS(change_at_entry, change_at_exit),
	GRAPH_OPS(change_at_entry, change_at_exit),
	GRAPH_OPS(change_at_entry, change_at_exit),
	GRAPH_OPS(change_at_entry, change_at_exit),
};

/* With each set of ops. A thread's first call takes another way, and so do those in an NMI. */
static void with_all_sets(const char *pattern, void *(*check)(void *), unsigned long calls)
{
	CHECK(!check(NULL));
	for (unsigned int set = 1; set < 1U << GRAPH_KINDS; set++) {
		unsigned long expected = 3 * calls * __builtin_popcount(set);

		for (int kind = 0; kind < GRAPH_KINDS; kind++) {
			changing[kind].flags = graph_kinds[kind];
			if (set >> kind & 1)
				graph(&changing[kind], pattern);
		}
		entered = left = 0;
		join(start(check, NULL));
		check(NULL);
		ftrace_nmi_enter();
		check(NULL);
		ftrace_nmi_exit();
		CHECK_EQ(entered, expected);
		CHECK_EQ(left, expected);
		for (int kind = 0; kind < GRAPH_KINDS; kind++)
			if (set >> kind & 1)
				ungraph(&changing[kind]);
	}
}

static void kinds(void)
{
	unsigned long calls = 13;

	calls += !!__builtin_cpu_supports("avx2") + !!__builtin_cpu_supports("avx512f");
	with_all_sets("rf_*", check_results, calls);
}

static void *check_registers(void *arg)
{
	static const uint64_t bits[] = {0x1, 0x4, 0x10, 0x40, 0x80, 0x800};
	struct registers in, out;

	for (unsigned int round = 0; round < 64; round++) {
		fill(&in, round + 1);
		in.flags = 0x202;
		for (int i = 0; i < 6; i++)
			in.flags |= round >> i & 1 ? bits[i] : 0;
		memset(&out, 0, sizeof(out));
		call_with(&in, &out);
		check_same(&out, &in);
	}
	return arg;
}

static void registers(void)
{
	find_vector_kind();
	with_all_sets("traced_empty", check_registers, 64);
	dprintf(1, "%d-bit vectors\n", 128 << vector_kind);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"kinds", kinds},
		{"registers", registers},
		{NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
