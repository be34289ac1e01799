/* SPDX-License-Identifier: MIT */
/* later.c PLUGIN - traces a plug-in that is opened after the handler was registered. */
#include <dlfcn.h>
#include <ftrace/ftrace.h>
#include <stdio.h>

static int counted;

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	counted++;
}

int main(int argc, char **argv)
{
	/* No function matches yet; without the flag the pattern would fail. */
	struct ftrace_ops ops = {.size = sizeof(ops), .func = hit, .flags = FTRACE_OPS_FL_PENDING};
	void *plugin;
	int (*begin)(int);

	if (argc != 2 || ftrace_set_filter(&ops, "plugin_*", 0, 0) ||
	    ftrace_register_function(&ops))
		return 1;
	plugin = dlopen(argv[1], RTLD_NOW);
	/* Its functions are traced already, unless the machine is loaded; now it is certain. */
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
