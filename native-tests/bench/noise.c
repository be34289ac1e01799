/* SPDX-License-Identifier: MIT */
/*
 * noise.c - was the machine quiet? Three things are looked at: the CPU time of other programs
 * (/proc/stat, less what this program and its children used), the time that a hypervisor took
 * (steal), and a loop that always does the same, before and after a part, which also shows
 * what /proc/stat does not: another machine on the same core, or a slower clock.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "noise.h"

#define LOOPS 100
#define TURNS 60000 /* some 50 to 100 us */

/* Parts of all CPUs' time, of the loop's time, and of the loops. */
#define MOST_OTHERS 0.05
#define MOST_STEAL  0.02
#define MOST_SLOWER 1.10
#define DISTURBED   1.20
#define MOST_SPREAD 0.10

static double fastest; /* loop of the whole run, ns */

static void read_cpu_times(double *busy, double *steal)
{
	double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0,
	       stolen = 0;
	FILE *file = fopen("/proc/stat", "re");
	double hz = sysconf(_SC_CLK_TCK);

	if (!file || fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &user, &nice, &system,
			    &idle, &iowait, &irq, &softirq, &stolen) < 7)
		fail("cannot read /proc/stat\n");
	fclose(file);
	*busy = (user + nice + system + irq + softirq) / hz;
	*steal = stolen / hz;
}

static double own_time(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void measure_loops(struct series *loops)
{
	for (int i = 0; i < LOOPS; i++) {
		uint64_t start = now_ns(), x = start;
		double ns;

		for (int turn = 0; turn < TURNS; turn++)
			__asm__ __volatile__("imul $3, %0, %0" : "+r"(x));
		ns = now_ns() - start;
		add_sample(loops, ns);
		if (!fastest || ns < fastest)
			fastest = ns;
	}
}

void begin_noise(struct noise *noise)
{
	memset(noise, 0, sizeof(*noise));
	measure_loops(&noise->loops);
	noise->own = own_time(RUSAGE_SELF) + own_time(RUSAGE_CHILDREN);
	read_cpu_times(&noise->busy, &noise->steal);
	noise->start = now_ns();
}

void end_noise(struct noise *noise, struct quiet *quiet)
{
	double own = own_time(RUSAGE_SELF) + own_time(RUSAGE_CHILDREN) - noise->own;
	double busy, steal, all;
	int disturbed = 0;

	memset(quiet, 0, sizeof(*quiet));
	quiet->seconds = (now_ns() - noise->start) / 1e9;
	all = quiet->seconds * sysconf(_SC_NPROCESSORS_ONLN);
	read_cpu_times(&busy, &steal);
	measure_loops(&noise->loops);
	quiet->own = own / all;
	quiet->others = (busy - noise->busy) / all - quiet->own;
	/* The kernel counts ticks: what may be two of each CPU is nothing. */
	quiet->others -= 2.0 / sysconf(_SC_CLK_TCK) / quiet->seconds;
	if (quiet->others < 0)
		quiet->others = 0;
	quiet->steal = (steal - noise->steal) / all;
	quiet->slower = median_of(&noise->loops) / fastest;
	for (int i = 0; i < noise->loops.count; i++)
		disturbed += noise->loops.values[i] > DISTURBED * fastest;
	quiet->spread = (double)disturbed / noise->loops.count;

	if (quiet->others > MOST_OTHERS)
		snprintf(quiet->why, sizeof(quiet->why), "other programs used %.0f %% of the CPUs",
			 quiet->others * 100);
	else if (quiet->steal > MOST_STEAL)
		snprintf(quiet->why, sizeof(quiet->why), "the hypervisor took %.0f %% of the CPUs",
			 quiet->steal * 100);
	else if (quiet->slower > MOST_SLOWER || quiet->spread > MOST_SPREAD)
		snprintf(quiet->why, sizeof(quiet->why),
			 "a loop took %.2f times its shortest time, %.0f %% of the loops more than "
			 "1.2",
			 quiet->slower, quiet->spread * 100);
}
