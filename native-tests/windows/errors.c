/* SPDX-License-Identifier: MIT */
/*
 * errors.c - every error, and that the text is the same as before, byte by byte, with the
 * protection that it had.
 */
#include "test.h"

COUNTER;
FUNCTION(first);
FUNCTION(second);

static unsigned char before[64];
static unsigned long protection;

/* An error changes nothing. */
#define CHECK_ERROR(call, error)                                                                   \
	do {                                                                                       \
		CHECK_EQUAL(call, error);                                                          \
		CHECK(memcmp((void *)first, before, sizeof(before)) == 0);                         \
		CHECK_EQUAL(protection_of((void *)first), protection);                             \
	} while (0)

static struct ftrace_patch nop(const void *site)
{
	struct ftrace_patch patch = {.ip = address_of(site), .len = 5};

	memcpy(patch.old_code, nop5, 5);
	memset(patch.new_code, 0x90, 5);
	return patch;
}

static void locations(void)
{
	static unsigned char data[8];
	const unsigned char *hole = VirtualAlloc(NULL, 4096, MEM_RESERVE, PAGE_NOACCESS);
	struct ftrace_patch patches[2] = {nop((void *)first), nop((void *)second)};
	unsigned char other[5];

	memset(other, 0x90, sizeof(other));
	CHECK_ERROR(ftrace_modify_code(address_of(first), other, nop5), -EINVAL);
	CHECK_ERROR(ftrace_make_nop(address_of(first), address_of(count)), -EINVAL);
	CHECK_ERROR(ftrace_make_call(address_of(first), address_of(first) + (1ull << 40)), -ERANGE);
	CHECK_ERROR(ftrace_modify_code(address_of(first), NULL, nop5), -EFAULT);
	CHECK(hole != NULL);
	CHECK_ERROR(ftrace_modify_code(address_of(hole), nop5, nop5), -EFAULT);
	CHECK_ERROR(ftrace_modify_code(0, nop5, nop5), -EFAULT);
	CHECK_ERROR(ftrace_modify_code(address_of(data), data, nop5), -EACCES);
	CHECK_ERROR(ftrace_modify_code((uintptr_t)GetProcAddress(GetModuleHandleA("ftrace.dll"), "ftrace_version"),
				       nop5, nop5), -EACCES);

	/* All or nothing: the second one fails, and the first one is as it was. */
	patches[1].old_code[0] ^= 1;
	CHECK_ERROR(ftrace_patch_text(patches, 2, NULL), -EINVAL);
	CHECK_EQUAL(patches[0].error, 0);
	CHECK_EQUAL(patches[1].error, -EINVAL);
	patches[1] = nop(hole);
	CHECK_ERROR(ftrace_patch_text(patches, 2, NULL), -EFAULT);
	CHECK_EQUAL(patches[1].error, -EFAULT);
	patches[1] = patches[0];
	CHECK_ERROR(ftrace_patch_text(patches, 2, NULL), -EINVAL);
	patches[1].len = 9;
	CHECK_ERROR(ftrace_patch_text(patches, 2, NULL), -EINVAL);
}

static void options(void)
{
	struct ftrace_patch patch = nop((void *)first);
	struct ftrace_patch_opts opts = {.size = sizeof(opts)};

	CHECK_ERROR(ftrace_patch_text(NULL, 1, NULL), -EFAULT);
	CHECK_ERROR(ftrace_patch_text(&patch, 1000001, NULL), -E2BIG);
	CHECK_ERROR(ftrace_patch_text(NULL, 0, NULL), 0);
	opts.method = 9;
	CHECK_ERROR(ftrace_patch_text(&patch, 1, &opts), -EINVAL);
	opts.method = 0;
	opts.size = 1;
	CHECK_ERROR(ftrace_patch_text(&patch, 1, &opts), -EINVAL);
	CHECK_ERROR(ftrace_set_patch_opts(&opts), -EINVAL);
	CHECK_ERROR(ftrace_get_stats(NULL), -EFAULT);
	CHECK_ERROR(ftrace_arch_read_dyn_info(NULL, 1), -EFAULT);
	CHECK_ERROR(ftrace_stop_machine(NULL, NULL), -EINVAL);
	CHECK_ERROR(ftrace_check_stack(2, 2, 0), -EINVAL);
}

static int nested(void *unused)
{
	(void)unused;
	CHECK_EQUAL(ftrace_stop_machine(nested, NULL), -EDEADLK);
	CHECK_EQUAL(ftrace_arch_code_modify_prepare(), -EDEADLK);
	CHECK_EQUAL(ftrace_arch_code_modify_post_process(), -EDEADLK);
	CHECK_EQUAL(ftrace_check_stack(1, 2, 0), -EDEADLK);
	return 0;
}

static void contexts(void)
{
	CHECK_ERROR(ftrace_arch_code_modify_post_process(), -EPERM);
	CHECK_ERROR(ftrace_stop_machine(nested, NULL), 0);
	CHECK_EQUAL(ftrace_arch_code_modify_prepare(), 0);
	CHECK_ERROR(ftrace_arch_code_modify_prepare(), -EDEADLK);
	CHECK_EQUAL(ftrace_arch_code_modify_post_process(), 0);

	ftrace_nmi_enter();
	CHECK_ERROR(ftrace_make_call(address_of(first), address_of(count)), -EDEADLK);
	CHECK_ERROR(ftrace_arch_code_modify_prepare(), -EDEADLK);
	CHECK_ERROR(ftrace_check_stack(1, 2, 0), -EDEADLK);
	CHECK_ERROR(ftrace_set_print(NULL), -EDEADLK);
	ftrace_nmi_exit();
	ftrace_nmi_exit(); /* without an enter it does nothing */
	CHECK_ERROR(ftrace_make_nop(address_of(first), address_of(count)), -EINVAL);
}

/* What is not there says so, without looking at its arguments. */
static void unavailable(void)
{
	struct ftrace_ops ops = {.size = sizeof(ops)};

	CHECK_ERROR(ftrace_register_function(&ops), -EOPNOTSUPP);
	CHECK_ERROR(ftrace_set_filter(&ops, "*", 0, 0), -EOPNOTSUPP);
	CHECK_ERROR(ftrace_update_sites(), -EOPNOTSUPP);
	CHECK_ERROR(ftrace_tracing_stop(), -EOPNOTSUPP);
	CHECK_ERROR(ftrace_nmi_add_signal(1), -EOPNOTSUPP);
	CHECK(ftrace_stack_size(1) == -EOPNOTSUPP);
	CHECK(strcmp(ftrace_strerror(-EOPNOTSUPP), "unknown error") != 0);
	CHECK(strcmp(ftrace_strerror(-ETIMEDOUT), ftrace_strerror(ETIMEDOUT)) == 0);
}

int main(void)
{
	memcpy(before, (void *)first, sizeof(before));
	protection = protection_of((void *)first);
	locations();
	options();
	contexts();
	unavailable();

	/* None of this is the end of it. */
	CHECK_EQUAL(ftrace_make_call(address_of(first), address_of(count)), 0);
	CHECK_EQUAL(first(1), 2);
	CHECK_EQUAL(counter, 1);
	CHECK_EQUAL(protection_of((void *)first), protection);
	return 0;
}
