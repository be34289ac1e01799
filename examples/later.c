/* SPDX-License-Identifier: MIT */
/* later.c PLUGIN - traces a plug-in that is opened after the handler was registered. */
#include <dlfcn.h>
#include <ftrace/ftrace.h>
#include <stdio.h>

/* Matches the pattern before the plug-in is opened; a pattern without a match fails. */
__attribute__((patchable_function_entry(5))) int plugin_none(int x);

int plugin_none(int x)
{
	return x;
}

static int counted;

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	counted++;
}

int main(int argc, char **argv)
{
	struct ftrace_ops ops = {.size = sizeof(ops), .func = hit};
	void *plugin;
	int (*begin)(int);

	if (argc != 2 || ftrace_set_filter(&ops, "plugin_*", 0, 0) ||
	    ftrace_register_function(&ops))
		return 1;
	plugin = dlopen(argv[1], RTLD_NOW);
	if (!plugin || ftrace_update_sites())
		return 1;
	begin = (int (*)(int))dlsym(plugin, "plugin_start");
	begin(1);
	begin(2);
	printf("%d calls\n", counted);
	/* A traced object can be closed. */
	dlclose(plugin);
	return ftrace_unregister_function(&ops) || counted != 2;
}
