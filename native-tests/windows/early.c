/* SPDX-License-Identifier: MIT */
/*
 * early.c - a DLL that calls the library while it is loaded, with the loader lock held: the
 * runtime cannot start there, and must not try to.
 */
#include <ftrace/patch.h>
#include <windows.h>

__declspec(dllexport) int early_result;

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *reserved)
{
	(void)module;
	(void)reserved;
	if (reason == DLL_PROCESS_ATTACH)
		early_result = ftrace_set_patch_opts(NULL);
	return TRUE;
}
