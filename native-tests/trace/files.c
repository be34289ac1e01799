/* SPDX-License-Identifier: MIT */
/*
 * files.c - objects' files that cannot be read, or are none.
 *
 *   program   no descriptor is free when the library looks for the first time: calls say
 *             -EAGAIN, and later ones find everything
 *   plugin    the same, of an object that was opened later; what is traced by then can
 *             be taken out meanwhile, and static keys say the same
 *   memory    the address space ends somewhere in the first look: -ENOMEM, and later
 *             calls find everything, names too
 *   replaced  by the time of the look something else has the file's name: a FIFO, a
 *             folder, a device, a socket; it is cut, it is another object. It has no
 *             functions, and nobody waits
 */
#include "../modes.h"
#include "../proc.h"
#include "../test.h"
#include "../traced.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_FILES 256
#define SECONDS	   60
#define KB	   1024UL
#define MB	   (1024 * KB)

static unsigned long hits;
static struct ftrace_ops ops = OPS(count_hit, .data = &hits);
static FTRACE_DEFINE_STATIC_KEY_FALSE(key);

TRACED long traced_work(long value)
{
	return value + ftrace_static_branch_unlikely(&key);
}

static int files[MOST_FILES], file_count;

static void use_up_files(void)
{
	struct rlimit limit = {MOST_FILES, MOST_FILES};

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((files[file_count] = open("/dev/null", O_RDONLY)) >= 0)
		file_count++;
	CHECK_EQ(errno, EMFILE);
}

static void free_files(void)
{
	while (file_count)
		close(files[--file_count]);
}

static int any_site(const struct ftrace_site *site, void *data)
{
	(void)site;
	++*(int *)data;
	return 0;
}

static void check_unread(void)
{
	struct ftrace_symbol symbol = {.size = sizeof(symbol)};
	int count = 0;

	CHECK_EQ(ftrace_for_each_site(any_site, &count, 0), -EAGAIN);
	CHECK_EQ(count, 0);
	CHECK_EQ(ftrace_update_sites(), -EAGAIN);
	CHECK_EQ(ftrace_lookup((unsigned long)traced_work, &symbol, NULL, 0), -EAGAIN);
	CHECK_EQ(filter(&ops, "nothing_such"), -EAGAIN);
	CHECK_EQ(ftrace_static_branch_enable(&key), -EAGAIN);
	CHECK_EQ(traced_work(1), 1);
}

static void check_read(void)
{
	struct ftrace_symbol symbol = {.size = sizeof(symbol)};
	unsigned long before = hits;

	CHECK_EQ(ftrace_lookup((unsigned long)traced_work, &symbol, NULL, 0), 0);
	CHECK_EQ(find_site("traced_work").count, 1);
	CHECK_EQ(find_site("traced_work").ip, symbol.site);
	CHECK_EQ(filter(&ops, "nothing_such"), -ENOENT);
	CHECK_EQ(ftrace_register_function(&ops), -ENOENT);
	CHECK_EQ(ftrace_set_filter(&ops, NULL, 0, 1), 0);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	traced_work(1);
	CHECK_EQ(hits, before + 1);
	CHECK_EQ(ftrace_unregister_function(&ops), 0);
	CHECK_EQ(ftrace_static_branch_enable(&key), 0);
	CHECK_EQ(traced_work(1), 2);
	CHECK_EQ(ftrace_static_branch_disable(&key), 0);
}

static void program(void)
{
	use_up_files();
	check_unread();
	CHECK_EQ(ftrace_register_function(&ops), -EAGAIN);
	traced_work(1);
	CHECK_EQ(hits, 0);
	free_files();
	CHECK_EQ(ftrace_unregister_function(&ops), -ENOENT);
	check_read();
}

static void plugin(void)
{
	int (*answer)(void);
	void *opened;

	CHECK_EQ(ftrace_register_function(&ops), 0);
	traced_work(1);
	CHECK_EQ(hits, 1);
	opened = dlopen(PLUGIN, RTLD_NOW);
	CHECK(opened);
	CHECK((answer = (int (*)(void))dlsym(opened, "plug_answer")));
	use_up_files();
	check_unread();
	answer();
	CHECK_EQ(hits, 2); /* traced_work() of check_unread() */
	free_files();
	CHECK_EQ(ftrace_update_sites(), 0);
	answer();
	CHECK_EQ(hits, 3);
	untrace(&ops);

	/* Taking out goes on while one is unread, as far as the text can be written. */
	CHECK_EQ(ftrace_register_function(&ops), 0);
	dlclose(opened);
	CHECK((opened = dlopen(PLUGIN, RTLD_NOW)));
	use_up_files();
	CHECK_EQ(ftrace_free_filter(&ops), -EBUSY);
	CHECK_EQ(ftrace_unregister_function(&ops),
		 -EAGAIN); /* the text's, which wants a descriptor */
	free_files();
	traced_work(1);
	CHECK_EQ(hits, 3);
	check_read();
}

/* memory */

static void limit_space(unsigned long more)
{
	rlim_t size = proc_number("/proc/self/status", "\nVmSize:", 10) * KB + more;
	struct rlimit limit = {more == RLIM_INFINITY ? RLIM_INFINITY : size, RLIM_INFINITY};

	CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
}

static int find_and_trace(void)
{
	int error = ftrace_register_function(&ops);

	if (error == 0)
		CHECK_EQ(ftrace_unregister_function(&ops), 0);
	return error;
}

static void memory(void)
{
	int results[2] = {0};

	for (unsigned long more = 0; more < 256 * MB; more += more < MB ? 16 * KB : MB) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (pid == 0) {
			int error;

			alarm(SECONDS);
			limit_space(more);
			error = find_and_trace();
			CHECK(error == 0 || error == -ENOMEM || error == -EAGAIN);
			limit_space(RLIM_INFINITY);
			check_read();
			_exit(error == 0 ? 2 : 3);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) >= 2);
		results[WEXITSTATUS(status) - 2]++;
	}
	printf("%d found it, %d said no\n", results[0], results[1]);
	CHECK(results[0] > 0 && results[1] > 0);
}

/* replaced */

static char folder[64], path[96];

static void copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	char block[4096];
	ssize_t length;

	CHECK(in >= 0 && out >= 0);
	while ((length = read(in, block, sizeof(block))) > 0)
		CHECK_EQ(write(out, block, length), length);
	close(in);
	close(out);
}

static void fifo(void)
{
	CHECK_EQ(mkfifo(path, 0600), 0);
}

static void a_folder(void)
{
	CHECK_EQ(mkdir(path, 0700), 0);
}

static void device(void)
{
	CHECK_EQ(symlink("/dev/zero", path), 0);
}

static void a_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	CHECK_EQ(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void fifo_behind_link(void)
{
	char other[128];

	snprintf(other, sizeof(other), "%s-", path);
	CHECK_EQ(mkfifo(other, 0600), 0);
	CHECK_EQ(symlink(other, path), 0);
}

static void loop(void)
{
	CHECK_EQ(symlink(path, path), 0);
}

static void cut(void)
{
	copy(PLUGIN, path);
	CHECK_EQ(truncate(path, 1000), 0);
}

static void empty(void)
{
	CHECK_EQ(close(creat(path, 0700)), 0);
}

static void other(void)
{
	copy(OTHER, path);
}

static void nothing(void)
{
}

static void check_replaced(void (*replace)(void))
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		int (*answer)(void);
		void *opened;

		alarm(SECONDS);
		copy(PLUGIN, path);
		CHECK((opened = dlopen(path, RTLD_NOW)));
		CHECK((answer = (int (*)(void))dlsym(opened, "plug_answer")));
		CHECK_EQ(unlink(path), 0);
		replace();
		CHECK_EQ(ftrace_update_sites(), 0);
		CHECK_EQ(find_site("plug_answer").count, 0);
		CHECK_EQ(ftrace_register_function(&ops), 0);
		answer();
		CHECK_EQ(hits, 0);
		traced_work(1);
		CHECK_EQ(hits, 1);
		CHECK_EQ(ftrace_unregister_function(&ops), 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	remove(path);
}

static void replaced(void)
{
	static void (*const ways[])(void) = {
		nothing, fifo, fifo_behind_link, a_folder, device, a_socket, loop, cut,
		empty,	 other};
	char command[128];

	strcpy(folder, "/tmp/ftrace-files-XXXXXX");
	CHECK(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/plugin.so", folder);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		check_replaced(ways[i]);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	CHECK_EQ(system(command), 0);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"program", program},	{"plugin", plugin}, {"memory", memory},
		{"replaced", replaced}, {NULL, NULL},
	};

	alarm(2 * SECONDS);
	return run_mode(modes, argc, argv);
}
