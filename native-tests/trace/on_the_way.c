/* SPDX-License-Identifier: MIT */
/*
 * on_the_way.c - a thread is held up on its way to a handler: it has marked itself
 * and read the table, and is about to call. Who unregisters the handler waits for it,
 * however often it stops the thread to look.
 *
 * Certain: the vector registers are saved between the two, into a page of the thread's
 * stack that cannot be written until this test says so (userfaultfd(2)). The thread is
 * seized (FTRACE_STOP_SIGNAL=none): a signal would need that page for its frame.
 */
#include "../test.h"
#include "../threads.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE  (1 << 20)
#define PAGE  4096ul
#define LOOKS 3

/* From the call on: the return addresses, the flags and 15 registers; the vectors do not fit as well. */
#define ROOM 224

static char *stack;
static atomic_bool may_run = true, returned;
static atomic_int hits, late;

__attribute__((noipa, patchable_function_entry(5))) static void traced(void)
{
}

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	hits++;
	late += !may_run;
}

static struct ftrace_ops ops = {.size = sizeof(ops), .func = hit};

static void *calls(void *arg)
{
	char *end = stack + SIZE / 2;

	(void)arg;
	for (char *at = end; at < stack + SIZE - 4 * PAGE; at += PAGE)
		*(volatile char *)at = 0;
	traced(); /* a thread's first call takes another way */
	__asm__ __volatile__("mov %%rsp, %%rbx\n"
			     "mov %0, %%rsp\n"
			     "call *%1\n"
			     "mov %%rbx, %%rsp"
			     :
			     : "r"(end + ROOM), "r"(traced)
			     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	return NULL;
}

static void *unregisters(void *arg)
{
	CHECK_EQ(ftrace_unregister_function(&ops), 0);
	may_run = false;
	returned = true;
	return arg;
}

int main(void)
{
	struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP};
	struct uffdio_register watched = {.mode = UFFDIO_REGISTER_MODE_WP};
	struct uffdio_writeprotect protect = {.mode = UFFDIO_WRITEPROTECT_MODE_WP};
	struct uffd_msg message;
	struct pollfd ready;
	pthread_t caller, patcher;
	pthread_attr_t attr;
	uint64_t stops;
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		skip("needs userfaultfd(2)");
	if (ioctl(fd, UFFDIO_API, &api))
		skip("needs userfaultfd(2) with write protection");
	stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack != MAP_FAILED);
	memset(stack, 0, SIZE / 2);
	watched.range.start = (unsigned long)stack;
	watched.range.len = SIZE / 2;
	CHECK_EQ(ioctl(fd, UFFDIO_REGISTER, &watched), 0);
	protect.range = watched.range;
	CHECK_EQ(ioctl(fd, UFFDIO_WRITEPROTECT, &protect), 0);

	CHECK_EQ(ftrace_set_filter(&ops, "traced", 0, 0), 0);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstack(&attr, stack, SIZE), 0);
	CHECK_EQ(pthread_create(&caller, &attr, calls, NULL), 0);
	ready = (struct pollfd){.fd = fd, .events = POLLIN};
	CHECK_EQ(poll(&ready, 1, TEST_WAIT_SECONDS * 1000), 1);
	CHECK_EQ(read(fd, &message, sizeof(message)), sizeof(message));
	CHECK_EQ(message.event, UFFD_EVENT_PAGEFAULT);
	CHECK_EQ(hits, 1);

	/* One stop for the change; the others are looks. */
	stops = stats().stops;
	patcher = start(unregisters, NULL);
	WAIT_FOR(returned || stats().stops - stops > LOOKS);
	CHECK(!returned);

	protect.mode = 0;
	CHECK_EQ(ioctl(fd, UFFDIO_WRITEPROTECT, &protect), 0);
	join(patcher);
	join(caller);
	CHECK_EQ(hits, 2);
	CHECK_EQ(late, 0);
	return 0;
}
