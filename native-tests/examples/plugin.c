/* SPDX-License-Identifier: MIT */
/* plugin.c - the plug-in of later.c. */
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
