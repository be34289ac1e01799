/* SPDX-License-Identifier: MIT */
/*
 * start.c - an executable that starts with older glibc too, whichever the linker's is.
 *
 * Scrt1.o of glibc 2.34 needs a newer __libc_start_main(), to which it leaves the call of the
 * constructors; the one before does not call them itself. Linked with
 * --wrap=__libc_start_main. From 2.34 on, the older one is there too, and calls @init if
 * there is one.
 */
#include <stddef.h>

typedef void (*init_t)(int argc, char **argv, char **envp);
typedef int (*main_t)(int argc, char **argv, char **envp);

extern init_t init_array_start[] __asm__("__init_array_start") __attribute__((visibility("hidden")));
extern init_t init_array_end[] __asm__("__init_array_end") __attribute__((visibility("hidden")));

int start_main(main_t main, int argc, char **argv, init_t init, void (*fini)(void), void (*rtld_fini)(void),
	       void *stack_end);
__asm__(".symver start_main, __libc_start_main@GLIBC_2.2.5");

int __wrap___libc_start_main(main_t main, int argc, char **argv, init_t init, void (*fini)(void),
			     void (*rtld_fini)(void), void *stack_end);

static void run_constructors(int argc, char **argv, char **envp)
{
	for (init_t *init = init_array_start; init < init_array_end; init++)
		(*init)(argc, argv, envp);
}

int __wrap___libc_start_main(main_t main, int argc, char **argv, init_t init, void (*fini)(void),
			     void (*rtld_fini)(void), void *stack_end)
{
	return start_main(main, argc, argv, init ? init : run_constructors, fini, rtld_fini, stack_end);
}
