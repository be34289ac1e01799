/* SPDX-License-Identifier: MIT */
/* marks_plugin.c - an object with a mark; nothing is linked with it. As a program it runs without the library. */
#include <ftrace/tracing.h>

void plugin_mark(const char *text);

void plugin_mark(const char *text)
{
	ftrace_mark(text);
}

int main(void)
{
	plugin_mark("a mark");
	ftrace_printk("a mark of %s", "a program");
	return 0;
}
