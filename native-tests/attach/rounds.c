/* SPDX-License-Identifier: MIT */
/*
 * rounds.c - attaches to a target, and checks that the target does not notice: it checks its results itself, and ends with 42.
 *
 *	rounds MODE ROUNDS COMMAND LIBRARY TARGET ARGUMENTS...
 *
 *	attach		the command attaches and leaves, ROUNDS times
 *	died		the command dies before its first, second... step, for each a new target, until it has done all of them;
 *			ROUNDS: of such series. Calls that the kernel does not restart return EINTR if it dies between the stop
 *			and its first look at the registers, as they do after SIGSTOP and SIGCONT: it dies by SIGUSR2 there
 *	killed		the command is killed at random instants, ROUNDS times; each 8 rounds a new target
 *	left		a call whose timeout is relative does not begin again. Its time is that of the first argument after the call, in ms
 *	target		the target is killed at random instants: the command ends, with a status of its own
 *	control		a target whose code does not go on is noticed
 */
#define _GNU_SOURCE
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RIGHT_STATUS 42
#define NO_PLACE     86
#define WAIT_SECONDS 60

static char *command, *library, **target_arguments;
static struct shared *shared;
static int target;
static unsigned all_interrupted;
static unsigned seed;

#define DIE(...)                                                                                                               \
	do {                                                                                                                   \
		fprintf(stderr, "rounds: " __VA_ARGS__);                                                                       \
		fputc('\n', stderr);                                                                                           \
		if (target > 0)                                                                                                \
			kill(target, SIGKILL);                                                                                 \
		exit(1);                                                                                                       \
	} while (0)

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static unsigned random_below(unsigned limit)
{
	seed = seed * 1103515245 + 12345;
	return limit ? (seed >> 8) % limit : 0;
}

static uint32_t progress(void)
{
	return __atomic_load_n(&shared->progress, __ATOMIC_ACQUIRE);
}

/* Bounded, because it is not to hang: far beyond what it takes. */
static void await_progress(uint32_t turns)
{
	uint32_t from = progress();
	uint64_t end = now() + WAIT_SECONDS * 1000000000ull;

	while (progress() - from < turns) {
		int status;

		if (waitpid(target, &status, WNOHANG) == target) {
			target = 0;
			DIE("the target has ended, with status %#x", status);
		}
		if (now() > end)
			DIE("the target does not go on");
		usleep(1000);
	}
}

static void start_target(void)
{
	memset(shared, 0, sizeof(*shared));
	target = fork();
	if (!target) {
		execv(target_arguments[0], target_arguments);
		_exit(127);
	}
	await_progress(1);
}

/* How many calls of the target may have returned EINTR. */
static void end_target(uint32_t interrupted)
{
	uint64_t end = now() + WAIT_SECONDS * 1000000000ull;
	int status;

	__atomic_store_n(&shared->stop, 1, __ATOMIC_RELEASE);
	while (waitpid(target, &status, WNOHANG) != target) {
		if (now() > end)
			DIE("the target does not end");
		usleep(1000);
	}
	target = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != RIGHT_STATUS)
		DIE("the target ends with status %#x", status);
	if (shared->interrupted > interrupted)
		DIE("%u calls of the target have returned EINTR", shared->interrupted);
	all_interrupted += shared->interrupted;
}

static int start_command(const char *option, const char *value)
{
	char pid[16];
	int child;

	sprintf(pid, "%d", target);
	child = fork();
	if (!child) {
		int null = open("/dev/null", O_WRONLY);

		close(SHARED_FD);
		if (!getenv("ATTACH_FIGURES"))
			dup2(null, 1);
		execl(command, command, "attach-probe", pid, "--library", library, option, value, NULL);
		_exit(127);
	}
	return child;
}

static int end_command(int child)
{
	int status;

	while (waitpid(child, &status, 0) != child)
		if (errno != EINTR)
			DIE("waitpid: %s", strerror(errno));
	return status;
}

static int attach(const char *option, const char *value)
{
	return end_command(start_command(option, value));
}

static void check_whole(int status)
{
	/* Nobody came to a proven place: with busy targets on a busy machine. */
	if (!WIFEXITED(status) || (WEXITSTATUS(status) && WEXITSTATUS(status) != NO_PLACE))
		DIE("the command ends with status %#x", status);
}

static int run_attach(int rounds)
{
	int attached = 0;

	start_target();
	for (int i = 0; i < rounds; i++) {
		int status = attach(NULL, NULL);

		check_whole(status);
		attached += status == 0;
		await_progress(2);
	}
	end_target(0);
	printf("attached %d of %d times\n", attached, rounds);
	return attached == 0;
}

static int run_died(int rounds)
{
	int deaths = 0;

	for (int i = 0; i < rounds; i++) {
		for (int step = 1, status = -1; status != 0; step++) {
			bool may_interrupt;
			char value[16];

			sprintf(value, "%d", step);
			start_target();
			status = attach("--die-at", value);
			may_interrupt = WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR2;
			if (may_interrupt || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
				deaths++;
			else
				check_whole(status);
			if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PLACE)
				step--;
			await_progress(2);
			end_target(may_interrupt);
		}
	}
	printf("died at %d steps; %u calls have returned EINTR\n", deaths, all_interrupted);
	return deaths < 20 * rounds;
}

static unsigned measure(void)
{
	uint64_t begin;

	start_target();
	begin = now();
	check_whole(attach(NULL, NULL));
	begin = now() - begin;
	end_target(0);
	return begin / 1000;
}

static int run_killed(int rounds)
{
	unsigned span = measure(), killed = 0;

	for (int i = 0; i < rounds; i++) {
		int child, status;

		if (i % 8 == 0)
			start_target();
		child = start_command(NULL, NULL);
		usleep(random_below(span));
		kill(child, SIGKILL);
		status = end_command(child);
		if (!WIFSIGNALED(status))
			check_whole(status);
		else
			killed++;
		await_progress(2);
		if (i % 8 == 7 || i == rounds - 1)
			end_target(8);
	}
	printf("killed %u times of %d, within %u us; %u calls have returned EINTR\n", killed, rounds, span, all_interrupted);
	return 0;
}

static int run_target(int rounds)
{
	unsigned span = measure(), early = 0;

	for (int i = 0; i < rounds; i++) {
		int child, status;

		start_target();
		child = start_command(NULL, NULL);
		usleep(random_below(span));
		kill(target, SIGKILL);
		waitpid(target, &status, 0);
		target = 0;
		status = end_command(child);
		if (!WIFEXITED(status) || (WEXITSTATUS(status) && (WEXITSTATUS(status) < 70 || WEXITSTATUS(status) > 99)))
			DIE("the command ends with status %#x", status);
		early += WEXITSTATUS(status) != 0;
	}
	printf("the target was killed %d times, %u times before the command was done\n", rounds, early);
	return 0;
}

/* If it began again, it would end later than that after the command was started: an earlier end is a proof. */
static int run_left(int rounds)
{
	uint64_t length = atol(target_arguments[2]) * 1000000ull;

	start_target();
	for (int proofs = 0, tries = 0; proofs < rounds; tries++) {
		uint64_t begin = __atomic_load_n(&shared->began, __ATOMIC_ACQUIRE), at, end = 0;
		uint32_t from = progress();

		if (tries > 10 * rounds)
			DIE("no call has ended in the time that was left of it");
		while (now() < begin + length * 2 / 3)
			usleep(1000);
		at = now();
		check_whole(attach(NULL, NULL));
		await_progress(1);
		end = __atomic_load_n(&shared->ended, __ATOMIC_ACQUIRE);
		if (progress() == from + 1 && at < end && end < at + length)
			proofs++;
	}
	end_target(0);
	return 0;
}

static int run_control(void)
{
	start_target();
	kill(target, SIGKILL);
	await_progress(2); /* ends this process with 1 */
	return 0;
}

int main(int argc, char **argv)
{
	int rounds, fd;

	if (argc < 6)
		return 64;
	rounds = atoi(argv[2]);
	command = argv[3];
	library = argv[4];
	target_arguments = argv + 5;
	seed = getenv("SEED") ? atoi(getenv("SEED")) : getpid();
	fd = memfd_create("shared", 0);
	if (fd < 0 || ftruncate(fd, sizeof(struct shared)) || dup2(fd, SHARED_FD) < 0)
		return 2;
	shared = map_shared();
	printf("seed %u\n", seed);
	fflush(stdout);
	if (!strcmp(argv[1], "attach"))
		return run_attach(rounds);
	if (!strcmp(argv[1], "died"))
		return run_died(rounds);
	if (!strcmp(argv[1], "killed"))
		return run_killed(rounds);
	if (!strcmp(argv[1], "target"))
		return run_target(rounds);
	if (!strcmp(argv[1], "left"))
		return run_left(rounds);
	if (!strcmp(argv[1], "control"))
		return run_control();
	return 64;
}
