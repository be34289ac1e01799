/* SPDX-License-Identifier: MIT */
/* hotfix.c FIX ROUNDS - applies a hot fix, takes it back and closes it, while threads run. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ftrace/ftrace.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 3

/* noipa: GCC keeps all calls and arguments as they are in the source. */
__attribute__((noipa, patchable_function_entry(5))) static int price(int items)
{
	return 10 * items; /* it should be 9 */
}

static volatile int stop;
static unsigned long wrong, right, other;

static void *sell(void *arg)
{
	for (int i = 1; !stop; i++) {
		int paid = price(7);

		__atomic_fetch_add(paid == 70	? &wrong
				   : paid == 63 ? &right
						: &other,
				   1, __ATOMIC_RELAXED);
		if (i % 1000 == 0)
			usleep(100);
	}
	return arg;
}

struct fix {
	void *object, *replacement, **original;
	unsigned long start, end; /* its text */
	struct ftrace_ops ops;
};

static void redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs)
{
	struct fix *fix = ops->data;

	(void)parent_ip;
	__atomic_store_n(fix->original, ftrace_original(ip), __ATOMIC_RELAXED);
	ftrace_regs_redirect(regs, (unsigned long)fix->replacement);
}

/* The executable segment of the object that the replacement is in. */
static int find_text(struct dl_phdr_info *info, size_t size, void *data)
{
	struct fix *fix = data;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		fix->start = info->dlpi_addr + segment->p_vaddr;
		fix->end = fix->start + segment->p_memsz;
		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X &&
		    (unsigned long)fix->replacement >= fix->start &&
		    (unsigned long)fix->replacement < fix->end)
			return 1;
	}
	return 0;
}

static int apply(struct fix *fix, const char *file)
{
	fix->object = dlopen(file, RTLD_NOW);
	if (!fix->object)
		return -1;
	fix->replacement = dlsym(fix->object, "replacement");
	fix->original = dlsym(fix->object, "original");
	if (!fix->replacement || !fix->original || !dl_iterate_phdr(find_text, fix))
		return -1;
	fix->ops = (struct ftrace_ops){.size = sizeof(fix->ops),
				       .func = redirect,
				       .flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
				       .data = fix};
	if (ftrace_set_filter_ip(&fix->ops, (unsigned long)price, 0, 0))
		return -1;
	return ftrace_register_function(&fix->ops);
}

static int take_back(struct fix *fix)
{
	int error = ftrace_unregister_function(&fix->ops);

	error = error ? error : ftrace_free_filter(&fix->ops);
	/* No thread begins to run the replacement now, but some may still be in it. */
	error = error ? error : ftrace_check_stack(fix->start, fix->end, 10000);
	return error ? error : dlclose(fix->object);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	long rounds = argc == 3 ? atol(argv[2]) : 0;
	struct fix fix;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, sell, NULL))
			return 1;
	for (long i = 0; i < rounds; i++) {
		unsigned long before = __atomic_load_n(&right, __ATOMIC_RELAXED);
		int error = apply(&fix, argv[1]);

		/* Until another thread has run the replacement. */
		while (!error && __atomic_load_n(&right, __ATOMIC_RELAXED) == before)
			sched_yield();
		error = error || price(7) != 63 ? -1 : take_back(&fix);
		if (error || price(7) != 70) {
			fprintf(stderr, "round %ld: %s\n", i,
				error == -1 ? "failed" : ftrace_strerror(error));
			return 1;
		}
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%ld rounds: %s\n", rounds, other || !right || !wrong ? "wrong" : "good");
	return other || !right || !wrong || dlopen(argv[1], RTLD_NOLOAD | RTLD_NOW);
}
