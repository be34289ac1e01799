/* SPDX-License-Identifier: MIT */
/*
 * load_probe.c - loads the library that it is told and prints what that added:
 * microseconds, threads, resident memory in KiB. Links with nothing, so that
 * the load is the first.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

/* A number from /proc/self/status. */
static long status_of(const char *format)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	long value = -1;

	while (status && fgets(line, sizeof(line), status)) {
		if (sscanf(line, format, &value) == 1)
			break;
	}
	if (status)
		fclose(status);
	return value;
}

int main(int argc, char **argv)
{
	struct timespec start, end;
	long threads, kib;
	void *library;

	if (argc != 2)
		return 2;
	/* Twice: the first reading makes stdio allocate what it needs. */
	status_of("Threads: %ld");
	threads = status_of("Threads: %ld");
	kib = status_of("VmRSS: %ld kB");

	clock_gettime(CLOCK_MONOTONIC, &start);
	library = dlopen(argv[1], RTLD_NOW);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}

	kib = status_of("VmRSS: %ld kB") - kib;
	threads = status_of("Threads: %ld") - threads;
	printf("%.1f %ld %ld\n",
	       (end.tv_sec - start.tv_sec) * 1e6 + (end.tv_nsec - start.tv_nsec) / 1e3, threads,
	       kib);
	return 0;
}
