/* SPDX-License-Identifier: MIT */
/* plugin.c - the plug-in of later.c and tool.py: a shared object whose functions can be traced. */
int plugin_start(int x);
int plugin_stop(int x);

int plugin_start(int x)
{
	return x + 1;
}

int plugin_stop(int x)
{
	return x - 1;
}
