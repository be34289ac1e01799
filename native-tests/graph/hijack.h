/* SPDX-License-Identifier: MIT */
/*
 * hijack.h - the negative control: exits as others trace them. The return address on the
 * stack is replaced, and the true one is kept on a stack beside it. What passes over a frame
 * without a return must break it.
 *
 * Included by one file of a program: it defines functions.
 */
#ifndef HIJACK_H
#define HIJACK_H

#include "graphed.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define HIJACK_WRONG 66 /* the exit status, where it would return to a wrong address */

struct hijacked {
	unsigned long *word, ret;
};

static __thread struct hijacked hijacked[4096];
static __thread int hijacked_count;

#ifdef __cplusplus
extern "C" {
#endif
extern const char hijack_return[];
unsigned long hijack_leave(unsigned long *word);
#ifdef __cplusplus
}
#endif

GENERAL_REGS static inline void hijack(unsigned long ip, unsigned long parent_ip,
				       struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	(void)ip, (void)ops;
	CHECK(hijacked_count < 4096);
	hijacked[hijacked_count].word = &regs->parent_ip;
	hijacked[hijacked_count++].ret = parent_ip;
	regs->parent_ip = (unsigned long)hijack_return;
}

GENERAL_REGS unsigned long hijack_leave(unsigned long *word)
{
	if (hijacked_count == 0 || hijacked[--hijacked_count].word != word)
		_exit(HIJACK_WRONG);
	return hijacked[hijacked_count].ret;
}

__asm__(".pushsection .text\n"
	".type hijack_return, @function\n"
	"hijack_return:\n"
	"	sub $8, %rsp\n" /* the word of the return address */
	"	push %rax\n"
	"	push %rdx\n"
	"	lea 16(%rsp), %rdi\n"
	"	sub $8, %rsp\n"
	"	call hijack_leave\n"
	"	add $8, %rsp\n"
	"	mov %rax, 16(%rsp)\n"
	"	pop %rdx\n"
	"	pop %rax\n"
	"	ret\n"
	".size hijack_return, . - hijack_return\n"
	".popsection\n");

/* True if a child, in which functions are traced in this way, runs @body to its end. */
static inline bool passes_hijacked(const char *pattern, void (*body)(void))
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		static struct ftrace_ops ops = OPS(hijack, .flags = FTRACE_OPS_FL_SAVE_REGS);
		struct rlimit none = {0, 0};

		CHECK_EQ(setrlimit(RLIMIT_CORE, &none), 0);
		alarm(TEST_WAIT_SECONDS);
		trace(&ops, pattern);
		close(STDERR_FILENO); /* what fails there is no news */
		body();
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(!WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#endif /* HIJACK_H */
