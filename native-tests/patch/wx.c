/* SPDX-License-Identifier: MIT */
/*
 * wx.c - how text is written: no page is ever writable and executable, unless
 * that is asked for; what the system forbids is refused, or done the other way;
 * a write that fails in the middle leaves nothing behind.
 *
 * wx          before and after each system call of a change, with each
 *             method and writer: pages that are writable and executable
 * protection  of pages with each protection, after a change and a failed one
 * forbidden   by seccomp filters: each way to write, membarrier
 * fails       each system call of a change in turn, once, and from then on
 */
#include "../calls.h"
#include "../modes.h"
#include "../proc.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE   4096ul
#define SITES  200
#define STRIDE 100 /* some lie across the ends of pages */

static unsigned char *text;
static struct ftrace_patch patches[SITES];

static unsigned char *site(int i)
{
	/* In four parts too far from each other to be written at once. */
	return text + i * STRIDE + i / (SITES / 4) * 3 * PAGE;
}

static void map_sites(void)
{
	size_t size = (SITES * STRIDE + 12 * PAGE) / PAGE * PAGE;

	text = text_map(size);
	for (int i = 0; i < SITES; i++)
		put_function(site(i), VALUE_A);
	text_seal(text, size);
}

static void prepare_patches(uint32_t from)
{
	for (int i = 0; i < SITES; i++) {
		patches[i] = value_patch(site(i), from, VALUE_A + VALUE_B - from);
		patches[i].error = 4711;
	}
}

static void check_sites(uint32_t value)
{
	char perms[5];

	for (int i = 0; i < SITES; i++) {
		CHECK_EQ(*site(i), 0xb8);
		CHECK_EQ(call_function(site(i)), value);
		/* Each page some times. */
		if (i % 10)
			continue;
		page_perms((unsigned long)site(i), perms);
		CHECK_EQ(strcmp(perms, "r-xp"), 0);
	}
}

/* wx */

static char maps[1 << 20];
static unsigned long looks, found;

/* Lines of /proc/self/maps with "w" and "x"; raw, because other threads may be parked. */
static long look_at_maps(long number, bool done)
{
	long size = 0, got;
	int fd;

	(void)number, (void)done;
	fd = syscall(SYS_open, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	while ((got = read(fd, maps + size, sizeof(maps) - 1 - size)) > 0)
		size += got;
	syscall(SYS_close, fd, 0, 0, 0, 0, CALL_MAGIC);
	maps[size] = '\0';
	looks++;
	for (char *line = maps; line && *line;) {
		char *perms = strchr(line, ' ') + 1, *end = strchr(line, '\n');

		if (perms[1] == 'w' && perms[2] == 'x')
			found++;
		line = end ? end + 1 : NULL;
	}
	return 0;
}

static atomic_bool finish;

static void *runs(void *arg)
{
	(void)arg;
	while (!finish)
		for (int i = 0; i < SITES; i++)
			check_function(site(i));
	return NULL;
}

static void wx(void)
{
	pthread_t thread;
	uint32_t value = VALUE_A;

	map_sites();
	thread = start(runs, NULL);
	watch_calls(look_at_maps);
	for (int method = FTRACE_METHOD_AUTO; method <= FTRACE_METHOD_BREAKPOINT; method++) {
		for (int writer = FTRACE_WRITER_AUTO; writer <= FTRACE_WRITER_MPROTECT; writer++) {
			struct ftrace_patch_opts opts = {
				.size = sizeof(opts), .method = method, .writer = writer};

			looks = found = 0;
			for (int i = 0; i < 10; i++) {
				prepare_patches(value);
				value = VALUE_A + VALUE_B - value;
				CHECK_EQ(change_watched(patches, SITES, &opts), 0);
			}
			check_sites(value);
			printf("method %d, writer %d: %lu looks, %lu mappings wx\n", method, writer,
			       looks, found);
			/* Before and after the write, at least. */
			CHECK(looks >= 10 * 2);
			if (writer == FTRACE_WRITER_MPROTECT)
				CHECK(found > 0);
			else
				CHECK_EQ(found, 0);
		}
	}
	/* The calls for single locations, which have no options. */
	looks = found = 0;
	watching = true;
	prepare_patches(value);
	CHECK_EQ(ftrace_modify_code(patches[0].ip, patches[0].old_code, patches[0].new_code), 0);
	CHECK_EQ(ftrace_modify_code(patches[0].ip, patches[0].new_code, patches[0].old_code), 0);
	watching = false;
	CHECK(looks >= 2);
	CHECK_EQ(found, 0);
	finish = true;
	join(thread);
}

/* protection */

static void protection(void)
{
	static const struct {
		const char *perms;
		int protection, result;
	} rows[] = {
		{"r-xp", PROT_READ | PROT_EXEC, 0},
		{"rwxp", PROT_READ | PROT_WRITE | PROT_EXEC, 0},
		{"--xp", PROT_EXEC, -EFAULT},
		{"r--p", PROT_READ, -EACCES},
		{"rw-p", PROT_READ | PROT_WRITE, -EACCES},
		{"---p", PROT_NONE, -EFAULT},
	};

	for (int number = 0; number < WAYS; number++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			unsigned char *page = text_map(3 * PAGE), *middle = page + PAGE;
			struct ftrace_patch pair[2];
			char perms[5];

			set_way(number);
			put_function(page, VALUE_A);
			put_function(middle, VALUE_A);
			text_seal(page, 3 * PAGE);
			pair[0] = value_patch(page, VALUE_A, VALUE_B);
			pair[1] = value_patch(middle, VALUE_A, VALUE_B);
			/* Not readable everywhere where it says so (protection keys). */
			CHECK_EQ(mprotect(middle, PAGE, rows[i].protection), 0);
			CHECK_EQ(change(pair, 2), rows[i].result);
			CHECK_EQ(pair[0].error, 0);
			CHECK_EQ(pair[1].error, rows[i].result);
			CHECK_EQ(call_function(page), rows[i].result ? VALUE_A : VALUE_B);
			/* And where the first of them is the one that fails to be as expected. */
			pair[0] = value_patch(page, VALUE_A + VALUE_B, VALUE_A);
			CHECK(change(pair, 2) < 0);
			for (int n = 0; n < 3; n++) {
				page_perms((unsigned long)page + n * PAGE, perms);
				CHECK_EQ(strcmp(perms, n == 1 ? rows[i].perms : "r-xp"), 0);
			}
			CHECK_EQ(mprotect(middle, PAGE, PROT_READ | PROT_EXEC), 0);
			CHECK_EQ(call_function(middle), rows[i].result ? VALUE_A : VALUE_B);
			munmap(page, 3 * PAGE);
		}
	}
}

/* forbidden */

enum { WRITE_EXEC = 1, PWRITE = 2, BARRIER = 4, OPEN_MEM = 8 };

static void forbid(int what, int error)
{
	const struct sock_filter write_exec[] = {
		LOAD(nr),
		SKIP_UNLESS(SYS_mprotect, 4),
		LOAD(args[2]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
		SKIP_UNLESS(PROT_WRITE | PROT_EXEC, 1),
		RETURN(SECCOMP_RET_ERRNO | error),
		RETURN(SECCOMP_RET_ALLOW),
	};
	const struct sock_filter pwrite[] = {
		LOAD(nr),
		SKIP_UNLESS(SYS_pwrite64, 1),
		RETURN(SECCOMP_RET_ERRNO | error),
		RETURN(SECCOMP_RET_ALLOW),
	};
	const struct sock_filter barrier[] = {
		LOAD(nr),
		SKIP_UNLESS(SYS_membarrier, 1),
		RETURN(SECCOMP_RET_ERRNO | error),
		RETURN(SECCOMP_RET_ALLOW),
	};
	/* To read and write: nothing else of the library's does. */
	const struct sock_filter open_mem[] = {
		LOAD(nr),
		SKIP_UNLESS(SYS_openat, 4),
		LOAD(args[2]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, O_RDWR),
		SKIP_UNLESS(O_RDWR, 1),
		RETURN(SECCOMP_RET_ERRNO | error),
		RETURN(SECCOMP_RET_ALLOW),
	};

	if (what & WRITE_EXEC)
		add_filter(write_exec, sizeof(write_exec) / sizeof(*write_exec));
	if (what & PWRITE)
		add_filter(pwrite, sizeof(pwrite) / sizeof(*pwrite));
	if (what & BARRIER)
		add_filter(barrier, sizeof(barrier) / sizeof(*barrier));
	if (what & OPEN_MEM)
		add_filter(open_mem, sizeof(open_mem) / sizeof(*open_mem));
}

/* What comes of a change in a process that may not do @what: by method and writer. */
static void try_forbidden(int what, int error, bool used_before)
{
	uint32_t value = VALUE_A;

	way.method = FTRACE_METHOD_BREAKPOINT;
	if (used_before)
		toggle_twice(site(0));
	forbid(what, error);
	for (int method = FTRACE_METHOD_AUTO; method <= FTRACE_METHOD_BREAKPOINT; method++) {
		for (int writer = FTRACE_WRITER_AUTO; writer <= FTRACE_WRITER_MPROTECT; writer++) {
			struct ftrace_patch_opts opts = {
				.size = sizeof(opts), .method = method, .writer = writer};
			bool by_file = !(what & (PWRITE | OPEN_MEM)),
			     in_place = !(what & WRITE_EXEC);
			int done_by = writer != FTRACE_WRITER_AUTO ? writer
				      : by_file			   ? FTRACE_WRITER_PROC_MEM
								   : FTRACE_WRITER_MPROTECT;
			bool possible = done_by == FTRACE_WRITER_PROC_MEM ? by_file : in_place;
			int expected = possible ? 0 : -EPERM, of_location = expected, ret;

			if (method == FTRACE_METHOD_BREAKPOINT && what & BARRIER) {
				expected = -EOPNOTSUPP;
				of_location = 0;
			}
			prepare_patches(value);
			ret = ftrace_patch_text(patches, SITES, &opts);
			if (ret != expected) {
				dprintf(2,
					"forbidden %d, error %d, used before %d, method %d, "
					"writer %d: expected %d, got %d\n",
					what, error, used_before, method, writer, expected, ret);
				_exit(1);
			}
			for (int i = 0; i < SITES; i++)
				CHECK_EQ(patches[i].error, of_location);
			if (ret == 0) {
				struct ftrace_stats now = stats();
				value = VALUE_A + VALUE_B - value;
				CHECK_EQ(now.last_writer, done_by);
				CHECK_EQ(now.last_method, method == FTRACE_METHOD_BREAKPOINT
								  ? FTRACE_METHOD_BREAKPOINT
								  : FTRACE_METHOD_STOP_MACHINE);
			}
			check_sites(value);
		}
	}
}

static void forbidden(void)
{
	static const int errors[] = {EPERM, ENOSYS};
	bool skipped = false;

	map_sites();
	for (int what = 0; what < 16; what++) {
		for (int i = 0; i < 2 * 2; i++) {
			pid_t child = fork();
			int status;

			CHECK(child >= 0);
			if (child == 0) {
				pthread_t thread = start(runs, NULL);

				alarm(TEST_WAIT_SECONDS);
				try_forbidden(what, errors[i / 2], i % 2);
				finish = true;
				join(thread);
				_exit(0);
			}
			CHECK_EQ(waitpid(child, &status, 0), child);
			CHECK(WIFEXITED(status));
			skipped |= WEXITSTATUS(status) == TEST_SKIPPED;
			CHECK(skipped || WEXITSTATUS(status) == 0);
		}
	}
	if (skipped)
		skip("seccomp filters are not available");
}

/* fails */

static unsigned long calls, failing;
static long failing_number;
static int failing_error;
static bool once, has_failed;

static long fail_call(long number, bool done)
{
	if (done || (number != SYS_pwrite64 && number != SYS_membarrier && number != SYS_mprotect &&
		     number != SYS_madvise))
		return 0;
	/* Putting a protection back needs neither memory nor permission. */
	if (number == SYS_mprotect && !(call_regs[REG_RDX] & PROT_WRITE))
		return 0;
	if (++calls == failing)
		failing_number = number;
	if (calls < failing || number != failing_number || (once && has_failed))
		return 0;
	has_failed = true;
	return -failing_error;
}

/* Ends with NO_SUCH_CALL, or how it went. */
enum { NO_SUCH_CALL = 2, DONE, UNDONE, HALF_DONE };

static int fail_at(unsigned long which, bool just_once, int error, struct ftrace_patch_opts *opts)
{
	uint32_t value = call_function(site(0));
	int ret, again;

	calls = 0;
	failing = which;
	failing_error = error;
	failing_number = -1;
	once = just_once;
	has_failed = false;
	prepare_patches(value);
	ret = change_watched(patches, SITES, opts);
	if (!has_failed) {
		CHECK_EQ(ret, 0);
		return NO_SUCH_CALL;
	}
	/* The library may have tried it again, or gone another way. */
	if (ret == 0) {
		check_sites(VALUE_A + VALUE_B - value);
		return DONE;
	}
	prepare_patches(value);
	again = ftrace_patch_text(patches, SITES, opts);
	if (ret == -EIO) {
		/* Half done: nothing is changed any more, but all goes on. */
		CHECK(!just_once);
		CHECK_EQ(again, -EIO);
		way.method = FTRACE_METHOD_STOP_MACHINE;
		CHECK_EQ(set_value(site(0), value, value), -EIO);
		CHECK_EQ(
			ftrace_modify_code(patches[0].ip, patches[0].old_code, patches[0].new_code),
			-EIO);
		for (int i = 0; i < SITES; i++)
			check_function(site(i));
		return HALF_DONE;
	}
	if (ret != -EPERM && ret != -ENOMEM && ret != -EOPNOTSUPP) {
		dprintf(2, "call %lu, number %ld: result %d\n", which, failing_number, ret);
		_exit(1);
	}
	/* Nothing was done, and all can be. */
	CHECK_EQ(again, ret == -EOPNOTSUPP ? -EOPNOTSUPP : 0);
	check_sites(again ? value : VALUE_A + VALUE_B - value);
	return UNDONE;
}

static void fails(void)
{
	static const int errors[] = {EPERM, ENOMEM};

	map_sites();
	for (int number = 0; number < WAYS; number++) {
		for (int variant = 0; variant < 4; variant++) {
			int how[HALF_DONE + 1] = {0};

			for (unsigned long which = 1; !how[NO_SUCH_CALL]; which++) {
				pid_t child = fork();
				int status;

				CHECK(child >= 0);
				if (child == 0) {
					pthread_t thread = start(runs, NULL);
					struct ftrace_patch_opts opts;
					int result;

					alarm(TEST_WAIT_SECONDS);
					set_way(number);
					/* What happens at the first change only is over. */
					toggle_twice(site(0));
					opts = way;
					watch_calls(fail_call);
					result = fail_at(which, variant % 2, errors[variant / 2],
							 &opts);
					finish = true;
					join(thread);
					_exit(result);
				}
				CHECK_EQ(waitpid(child, &status, 0), child);
				CHECK(WIFEXITED(status));
				if (WEXITSTATUS(status) == TEST_SKIPPED)
					skip("seccomp filters are not available");
				if (WEXITSTATUS(status) < NO_SUCH_CALL ||
				    WEXITSTATUS(status) > HALF_DONE) {
					dprintf(2, "way %d, variant %d, call %lu\n", number,
						variant, which);
					_exit(1);
				}
				how[WEXITSTATUS(status)]++;
			}
			printf("way %d, variant %d: done %d, undone %d, half done %d\n", number,
			       variant, how[DONE], how[UNDONE], how[HALF_DONE]);
			/* What fails once can be put back. */
			if (variant % 2)
				CHECK_EQ(how[HALF_DONE], 0);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {{"wx", wx},
					    {"protection", protection},
					    {"forbidden", forbidden},
					    {"fails", fails},
					    {NULL, NULL}};

	return run_mode(modes, argc, argv);
}
