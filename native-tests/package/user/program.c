/* What a user builds with the installed library: packages.sh, upgrade.sh. */
#include <ftrace/ftrace.h>

__attribute__((noipa)) int parse(int i) { return i + 1; }

static int calls;

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	calls++;
}

int main(void)
{
	struct ftrace_ops ops = {.size = sizeof(ops), .func = hit};

	if (ftrace_set_filter(&ops, "parse", 0, 0) || ftrace_register_function(&ops))
		return 1;
	return parse(1) != 2 || ftrace_unregister_function(&ops) || calls != 1;
}
