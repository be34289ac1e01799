/* SPDX-License-Identifier: MIT */
/*
 * xray_runtime.c - a function that XRay itself has turned on is not traced, and is when XRay
 * has turned it off; for xray.sh.
 */
#include "../test.h"
#include "../traced.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* From xray/xray_interface.h, which is for C++ only. */
enum xray_status { XRAY_SUCCESS = 1 };
int __xray_set_handler(void (*handler)(int32_t id, int type));
enum xray_status __xray_patch(void);
enum xray_status __xray_unpatch(void);

__attribute__((noinline, xray_always_instrument)) int work(int x);

int work(int x)
{
	__asm__ volatile("");
	return x + 1;
}

static unsigned long calls, hits;
static char report[1024];

static void print(const char *line)
{
	snprintf(report, sizeof(report), "%s", line);
	puts(line);
}

static void count_call(int32_t id, int type)
{
	(void)id, (void)type;
	calls++;
}

static void check_calls(unsigned long of_xray, unsigned long of_ours)
{
	calls = hits = 0;
	CHECK_EQ(work(4), 5);
	CHECK_EQ(calls, of_xray);
	CHECK_EQ(hits, of_ours);
}

__attribute__((xray_never_instrument)) int main(void)
{
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);

	CHECK_EQ(ftrace_set_print(print), 0);
	CHECK(__xray_set_handler(count_call));
	for (int round = 0; round < 2; round++) {
		CHECK_EQ(__xray_patch(), XRAY_SUCCESS);
		check_calls(2, 0); /* entry and exit */
		ops.flags = 0;
		CHECK_EQ(ftrace_set_filter(&ops, "work", 0, 1), 0);
		CHECK_EQ(ftrace_register_function(&ops), -EINVAL);
		CHECK(strstr(report, "a call of XRay"));
		check_calls(2, 0);
		ops.flags = FTRACE_OPS_FL_SKIP_FOREIGN;
		CHECK_EQ(ftrace_register_function(&ops), 0);
		check_calls(2, 0);
		if (round == 0) {
			CHECK_EQ(ftrace_unregister_function(&ops), 0);
			CHECK_EQ(__xray_unpatch(), XRAY_SUCCESS);
			check_calls(0, 0);
		}
	}
	CHECK_EQ(__xray_unpatch(), XRAY_SUCCESS);
	CHECK_EQ(ftrace_update_sites(), 0);
	check_calls(0, 1);
	untrace(&ops);
	check_calls(0, 0);
	return 0;
}
