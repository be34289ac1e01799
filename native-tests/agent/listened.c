/* SPDX-License-Identifier: MIT */
/*
 * listened.c - FTRACE_CONTROL: a program that listens on a socket of its own. The program is this file again, with the
 * mode "program".
 */
#include "../modes.h"
#include "../record/control.h"
#include "client.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>

static char folder[32], path[64];

static TRACED int traced(int x)
{
	return x + 1;
}

/*
 * struct program - one that runs
 * @input: it ends when this is closed; @output: it writes a byte when it runs; @errors: what it has printed
 */
struct program {
	pid_t process;
	int input, output, errors;
};

static bool takes_name; /* the next program finds a file with the name that its socket has first */

static struct program run(const char *mode, const char *control)
{
	int input[2], output[2], errors[2];
	struct program program;
	char variable[PATH_MAX + 32], byte, name[] = "/proc/self/exe";
	char *arguments[] = {name, (char *)mode, NULL}, *environment[] = {variable, NULL};

	CHECK_EQ(pipe2(input, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(output, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(errors, O_CLOEXEC), 0);
	snprintf(variable, sizeof(variable), "FTRACE_CONTROL=%s", control);
	program.process = fork();
	CHECK(program.process >= 0);
	if (program.process == 0) {
		if (takes_name) {
			char name_with_pid[PATH_MAX + 32];

			snprintf(name_with_pid, sizeof(name_with_pid), "%s.%d", control, getpid());
			close(open(name_with_pid, O_CREAT | O_EXCL | O_RDWR, 0600));
		}
		dup2(input[0], 0);
		dup2(output[1], 1);
		dup2(errors[1], 2);
		umask(0);
		execve(name, arguments, environment);
		_exit(98);
	}
	close(input[0]);
	close(output[1]);
	close(errors[1]);
	program.input = input[1];
	program.output = output[0];
	program.errors = errors[0];
	CHECK_EQ(read(program.output, &byte, 1), 1);
	return program;
}

/* Ends it. Returns what it has printed. */
static const char *end(struct program *program)
{
	static char text[4096];
	long length = 0, got;
	int status;

	close(program->input);
	CHECK_EQ(waitpid(program->process, &status, 0), program->process);
	CHECK_EQ(status, 0);
	while ((got = read(program->errors, text + length, sizeof(text) - 1 - length)) > 0)
		length += got;
	text[length] = '\0';
	close(program->output);
	close(program->errors);
	return text;
}

static void end_quietly(struct program *program)
{
	const char *text = end(program);

	if (*text)
		dprintf(2, "it has printed: %s", text);
	CHECK(!*text);
}

static int connect_to(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK(strlen(name) < sizeof(address.sun_path));
	strcpy(address.sun_path, name);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -errno;
}

static bool exists(const char *name)
{
	struct stat stat;

	return lstat(name, &stat) == 0;
}

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/agent-XXXXXX");
	CHECK(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
}

static void remove_folder(void)
{
	CHECK_EQ(rmdir(folder), 0); /* nothing else is left there */
}

/* The whole story, twice: one connection at a time. */
static void served(void)
{
	struct program program = run("program", path);
	struct stat stat;
	char holder[64];
	int socket, second, fd;

	CHECK_EQ(lstat(path, &stat), 0);
	CHECK_EQ(stat.st_mode, S_IFSOCK | 0600);
	snprintf(holder, sizeof(holder), "holder=%d test\n", getpid());
	for (int round = 0; round < 2; round++) {
		socket = connect_to(path);
		CHECK(socket >= 0);
		say_hello(socket);
		fd = start_agent(socket, "filter=traced");
		second = connect_to(path);
		CHECK(second >= 0);
		CHECK(receive_answer(second));
		CHECK_EQ(answer.error, EBUSY);
		CHECK_EQ(strcmp(answer.text, holder), 0);
		CHECK(!receive_answer(second));
		close(second);
		WAIT_FOR(entries_in(fd, "traced") > 10);
		CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), 0);
		CHECK_EQ(shutdown(socket, SHUT_WR), 0);
		CHECK(!receive_answer(socket));
		close(socket);
		close(fd);
	}
	end_quietly(&program);
	CHECK(!exists(path));
}

/* A relative path, and another directory afterwards. */
static void moved(void)
{
	struct program program;

	CHECK_EQ(chdir(folder), 0);
	program = run("moved", "socket");
	CHECK(exists(path));
	close(connect_to(path));
	end_quietly(&program);
	CHECK(!exists(path));
	CHECK_EQ(chdir("/"), 0);
}

/* What a killed process has left is replaced; not what is somebody's. */
static void stale(void)
{
	struct program program = run("program", path), other;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat before, after;
	char taken[96];
	const char *text;
	int client, file;

	kill(program.process, SIGKILL);
	CHECK_EQ(waitpid(program.process, NULL, 0), program.process);
	CHECK(exists(path));
	CHECK_EQ(connect_to(path), -ECONNREFUSED);
	program = run("program", path);
	client = connect_to(path);
	CHECK(client >= 0);
	say_hello(client);

	/* One that listens stays, and the other program runs all the same. */
	CHECK_EQ(lstat(path, &before), 0);
	other = run("program", path);
	text = end(&other);
	CHECK(strncmp(text, "ftrace: FTRACE_CONTROL=/tmp/agent-", 34) == 0);
	CHECK(strstr(text, ": another process listens there, or it is no socket; choose another path; the program cannot be traced by it\n"));
	CHECK(strchr(text, '\n')[1] == '\0');
	CHECK_EQ(lstat(path, &after), 0);
	CHECK_EQ(before.st_ino, after.st_ino);
	say_hello(client);
	close(client);
	end_quietly(&program);
	CHECK(!exists(path));

	/* A file. */
	file = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	CHECK(file >= 0);
	program = run("program", path);
	CHECK(strstr(end(&program), "it is no socket"));
	CHECK_EQ(lstat(path, &before), 0);
	CHECK(S_ISREG(before.st_mode));
	close(file);
	unlink(path);

	/* A file with the name that the socket has before it listens. */
	takes_name = true;
	program = run("program", path);
	takes_name = false;
	CHECK(strstr(end(&program), "it is no socket"));
	snprintf(taken, sizeof(taken), "%s.%d", path, program.process);
	CHECK_EQ(lstat(taken, &before), 0);
	CHECK(S_ISREG(before.st_mode));
	unlink(taken);

	/* The socket of something else that listens, of another kind. */
	file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, path);
	CHECK_EQ(bind(file, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(listen(file, 1), 0);
	program = run("program", path);
	CHECK(strstr(end(&program), "another process listens there"));
	CHECK(exists(path));
	close(file);
	unlink(path);
}

/* Programs that the program starts, and its forked children, do not listen, and take nothing away. */
static void inherited(void)
{
	struct program program = run("family", path);
	int socket = connect_to(path);

	CHECK(exists(path));
	CHECK(socket >= 0);
	say_hello(socket);
	close(socket);
	end_quietly(&program);
	CHECK(!exists(path));
}

static void wrong(void)
{
	struct program program;
	char name[160];

	snprintf(name, sizeof(name), "%s/%0100d", folder, 1);
	program = run("program", name);
	CHECK(strstr(end(&program), ": the path is longer than 96 bytes; choose a shorter one; "));
	snprintf(name, sizeof(name), "%s/none/socket", folder);
	program = run("program", name);
	CHECK(strstr(end(&program), ": there is no such directory; create it; "));
	program = run("program", "");
	end_quietly(&program);
}

/* Another user is refused, even if the file lets him in. */
static void others(void)
{
	struct program program;
	int status;
	pid_t client;

	if (geteuid() != 0)
		skip("needs root, to become another user");
	program = run("other", path);
	CHECK_EQ(chmod(folder, 0755), 0);
	CHECK_EQ(chmod(path, 0666), 0);
	client = fork();
	CHECK(client >= 0);
	if (client == 0) {
		int socket;

		CHECK_EQ(setresuid(65533, 65533, 65533), 0);
		socket = connect_to(path);
		CHECK(socket >= 0);
		CHECK(!receive_answer(socket));
		_exit(0);
	}
	CHECK_EQ(waitpid(client, &status, 0), client);
	CHECK_EQ(status, 0);
	/* Root is let in. */
	client = connect_to(path);
	CHECK(client >= 0);
	say_hello(client);
	close(client);
	end(&program);
	unlink(path);
}

/* The program: it calls a function until its input ends. */
static void wait_for_end(void)
{
	struct pollfd state = {.fd = 0, .events = POLLIN};

	CHECK_EQ(write(1, "x", 1), 1);
	while (poll(&state, 1, 1) == 0 || !(state.revents & POLLHUP))
		traced(1);
}

static void move_away(void)
{
	CHECK_EQ(chdir("/"), 0);
	wait_for_end();
}

static void become_other(void)
{
	CHECK_EQ(setresuid(65534, 65534, 65534), 0);
	wait_for_end();
}

static void have_family(void)
{
	char name[] = "/proc/self/exe";
	char *arguments[] = {name, (char *)"none", NULL};
	int status;
	pid_t child = fork();

	if (child == 0)
		exit(0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	child = fork();
	if (child == 0)
		execv(name, arguments);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	wait_for_end();
}

static void do_nothing(void)
{
}

static const struct mode modes[] = {
	{"served", served},	 {"moved-away", moved},	 {"stale", stale}, {"inherited", inherited}, {"wrong", wrong},
	{"others", others},	 {}
};

static const struct mode programs[] = {
	{"program", wait_for_end}, {"moved", move_away}, {"other", become_other}, {"family", have_family}, {"none", do_nothing}, {},
};

int main(int argc, char **argv)
{
	CHECK_EQ(argc, 2);
	CHECK(ftrace_version()); /* else the linker leaves the library out */
	for (const struct mode *mode = programs; mode->name; mode++) {
		if (strcmp(mode->name, argv[1]) == 0) {
			mode->run();
			return 0;
		}
	}
	make_folder();
	run_mode(modes, argc, argv);
	remove_folder();
	return 0;
}
