/* SPDX-License-Identifier: MIT */
/*
 * lookup.c - from an address to the function, the object and the site.
 *
 *   program   functions of the program: global, local, with an alias, that cannot be
 *             traced; at the first byte, in the middle, at the last one, between two;
 *             in the PLT; data, the stack, the heap, addresses that are not mapped
 *   object    a shared object, and after dlclose()
 *   gone      an object whose file was replaced: its dynamic symbols are in memory
 *   stripped  an object without symbols
 *   same      all functions of this process, in C++ too: the same as the list
 *   code      the library's own code, in its text and near the objects
 *   buffer    every size of the buffer
 *   memory    no memory that grows with the object
 *   contexts  in a handler and in a stop window: -EDEADLK
 */
#include "../calls.h"
#include "../modes.h"
#include "../stop.h"
#include "../test.h"
#include "../traced.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define BUFFER 8192

static volatile int sink;
static int data_word;

TRACED void traced_global(void);
TRACED void traced_global(void)
{
	sink++;
}
void traced_alias(void) __attribute__((alias("traced_global")));

TRACED static void traced_local(void)
{
	sink += 2;
}

/* At the start the padding before it is as long as it can be. */
__attribute__((noipa, aligned(64))) static void untraced(void)
{
	sink += 3;
}

static char buffer[BUFFER];

static struct ftrace_symbol look_up(unsigned long ip)
{
	struct ftrace_symbol symbol = {.size = sizeof(symbol)};

	memset(buffer, 0x5a, sizeof(buffer));
	CHECK_EQ(ftrace_lookup(ip, &symbol, buffer, sizeof(buffer)), 0);
	CHECK_EQ(symbol.size, sizeof(symbol));
	CHECK(symbol.object);
	return symbol;
}

static void check_none(unsigned long ip)
{
	struct ftrace_symbol symbol, before;

	memset(&symbol, 0x5a, sizeof(symbol));
	symbol.size = sizeof(symbol);
	before = symbol;
	CHECK_EQ(ftrace_lookup(ip, &symbol, buffer, sizeof(buffer)), -ENOENT);
	CHECK_EQ(memcmp(&symbol, &before, sizeof(symbol)), 0);
}

/* Each byte of a function says the same. */
static struct ftrace_symbol check_function(unsigned long start, const char *name,
					   const char *object)
{
	struct ftrace_symbol first = look_up(start);
	unsigned long places[] = {0, 1, first.length / 2, first.length - 1};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct ftrace_symbol symbol = look_up(start + places[i]);

		CHECK_EQ(symbol.function, start);
		CHECK_EQ(symbol.length, first.length);
		CHECK_EQ(symbol.site, first.site);
		CHECK_EQ(symbol.base, first.base);
		CHECK_EQ(strcmp(symbol.object, object), 0);
		if (name) {
			CHECK(symbol.name && symbol.display);
			CHECK_EQ(strcmp(symbol.name, name), 0);
			CHECK_EQ(strcmp(symbol.display, name), 0);
			CHECK_EQ(symbol.offset, places[i]);
		} else {
			CHECK(!symbol.name && !symbol.display);
			CHECK_EQ(symbol.offset, start + places[i] - symbol.base);
		}
	}
	return first;
}

static void count(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		  struct ftrace_regs *regs);

static struct ftrace_ops ops = OPS(count);
static unsigned long seen_ip;

static void count(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *own,
		  struct ftrace_regs *regs)
{
	(void)parent_ip, (void)own, (void)regs;
	seen_ip = ip;
}

/* A function in another object, as its caller calls it: the PLT's code, if that is called. */
static unsigned long plt_entry(void)
{
	unsigned long at;

	/* The address that a call of it is to; with -z now too. */
	__asm__("lea	getppid@PLT(%%rip), %0" : "=r"(at));
	return at;
}

static void program(void)
{
	struct ftrace_symbol symbol, libc;
	unsigned long padding, site;
	void *unmapped = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *heap = malloc(10);
	Dl_info info;

	site = check_function((unsigned long)traced_global, "traced_global", "").site;
	CHECK(site);
	CHECK(check_function((unsigned long)traced_local, "traced_local", "").site);
	symbol = check_function((unsigned long)untraced, "untraced", "");
	CHECK_EQ(symbol.site, 0);
	CHECK(dladdr((void *)untraced, &info));
	CHECK_EQ(symbol.base, info.dli_fbase);

	/* What is before an aligned function is no function. */
	padding = (unsigned long)untraced - 1;
	if (*(unsigned char *)padding == 0x90 || *(unsigned char *)padding == 0x00) {
		symbol = look_up(padding);
		CHECK(!symbol.name && !symbol.display && symbol.function == 0);
		CHECK_EQ(symbol.length, 0);
		CHECK_EQ(symbol.site, 0);
		CHECK_EQ(symbol.offset, padding - symbol.base);
		CHECK_EQ(symbol.object[0], 0);
	} else {
		skip("no padding where it was expected");
	}

	/* The PLT of the program; the function itself is the C library's. */
	symbol = look_up(plt_entry());
	CHECK_EQ(symbol.object[0], 0);
	CHECK(!symbol.name);
	CHECK_EQ(symbol.site, 0);
	libc = look_up((unsigned long)dlsym(RTLD_DEFAULT, "getppid"));
	CHECK(strstr(libc.object, "libc"));
	CHECK(strstr(libc.name, "getppid"));
	CHECK_EQ(libc.offset, 0);

	/* Not text of an object. */
	CHECK_EQ(munmap(unmapped, 4096), 0);
	check_none(0);
	check_none(1);
	check_none(-1ul);
	check_none(1ul << 63);
	check_none((unsigned long)unmapped);
	check_none((unsigned long)heap);
	check_none((unsigned long)&symbol);
	check_none((unsigned long)&data_word);
	free(heap);

	/* The site is what the handler gets; while the function is traced too. */
	trace(&ops, "traced_global");
	traced_global();
	CHECK_EQ(seen_ip, site);
	CHECK_EQ(check_function((unsigned long)traced_global, "traced_global", "").site, site);
	CHECK(check_function((unsigned long)traced_local, "traced_local", "").site);
	untrace(&ops);
	CHECK_EQ(check_function((unsigned long)traced_global, "traced_global", "").site, site);
}

struct opened {
	void *handle;
	unsigned long answer, twice;
};

static struct opened open_object(const char *path)
{
	struct opened opened = {.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)};

	if (!opened.handle)
		dprintf(2, "%s\n", dlerror());
	CHECK(opened.handle);
	opened.answer = (unsigned long)dlsym(opened.handle, "plug_answer");
	opened.twice = (unsigned long)dlsym(opened.handle, "plug_twice");
	CHECK(opened.answer && opened.twice);
	return opened;
}

static void object(void)
{
	struct opened plain = open_object(PLUGIN);
	unsigned long site;

	site = check_function(plain.answer, "plug_answer", PLUGIN).site;
	CHECK(site);
	/* The same when the library has read it, and traces it. */
	trace(&ops, "plug_answer");
	((int (*)(void))plain.answer)();
	CHECK_EQ(seen_ip, site);
	CHECK_EQ(check_function(plain.answer, "plug_answer", PLUGIN).site, site);
	untrace(&ops);

	CHECK_EQ(dlclose(plain.handle), 0);
	CHECK(!dlopen(PLUGIN, RTLD_NOW | RTLD_NOLOAD));
	check_none(plain.answer);
	check_none(site);

	/* In another namespace, where the loader lists it. */
	plain.handle = dlmopen(LM_ID_NEWLM, PLUGIN, RTLD_NOW | RTLD_LOCAL);
	CHECK(plain.handle);
	plain.answer = (unsigned long)dlsym(plain.handle, "plug_answer");
	if (atof(gnu_get_libc_version()) >= 2.35)
		CHECK(check_function(plain.answer, "plug_answer", PLUGIN).site);
	CHECK_EQ(dlclose(plain.handle), 0);
	check_none(plain.answer);

	/*
	 * A longer call has become a nop and a call one byte later; opened again, at the same
	 * address, it is what it was.
	 */
	plain = open_object(MCOUNT);
	site = look_up(plain.answer).site;
	trace(&ops, "plug_answer");
	CHECK_EQ(look_up(plain.answer).site, site + 1);
	untrace(&ops);
	CHECK_EQ(dlclose(plain.handle), 0);
	plain = open_object(MCOUNT);
	CHECK_EQ(look_up(plain.answer).site - plain.answer, look_up(plain.twice).site - plain.twice);
	CHECK_EQ(look_up(plain.answer).site, find_site("plug_answer").ip);
}

/* Where a static function of the plug-in is, from an object that has all symbols. */
static unsigned long hidden_offset(void)
{
	struct opened plain = open_object(PLUGIN);
	unsigned long ip = find_site("plug_hidden").ip, base = look_up(plain.answer).base;

	CHECK(ip);
	ip = look_up(ip).function - base;
	CHECK_EQ(dlclose(plain.handle), 0);
	return ip;
}

static void stripped_with(unsigned long offset)
{
	struct opened stripped = open_object(STRIPPED);
	struct ftrace_symbol symbol = look_up(stripped.answer);
	unsigned long hidden = symbol.base + offset;

	/* A dynamic symbol, and none. */
	CHECK(check_function(stripped.twice, "plug_twice", STRIPPED).site);
	symbol = check_function(hidden, NULL, STRIPPED);
	CHECK(symbol.site);
	CHECK(symbol.site - hidden <= 4);

	/* The same when the library has read it. */
	CHECK_EQ(ftrace_set_filter_ip(&ops, symbol.site, 0, 1), 0);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	((int (*)(int))stripped.twice)(1);
	CHECK_EQ(seen_ip, symbol.site);
	CHECK_EQ(check_function(hidden, NULL, STRIPPED).site, symbol.site);
	untrace(&ops);
	CHECK_EQ(dlclose(stripped.handle), 0);
	check_none(hidden);
}

static void stripped(void)
{
	unsigned long offset;
	int fds[2], status;
	pid_t pid;

	/* In a child: this process is to have read nothing before. */
	CHECK_EQ(pipe(fds), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		offset = hidden_offset();
		CHECK_EQ(write(fds[1], &offset, sizeof(offset)), sizeof(offset));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(read(fds[0], &offset, sizeof(offset)), sizeof(offset));
	stripped_with(offset);
}

static void gone(void)
{
	char folder[] = "/tmp/ftrace-lookup-XXXXXX", path[64], command[256];
	struct opened opened;

	CHECK(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/plugin.so", folder);
	snprintf(command, sizeof(command), "cp '%s' '%s'", PLUGIN, path);
	CHECK_EQ(system(command), 0);
	opened = open_object(path);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(check_function(opened.twice, "plug_twice", path).site, 0);
	/* Another one has its name now. */
	snprintf(command, sizeof(command), "cp '%s' '%s'", STRIPPED, path);
	CHECK_EQ(system(command), 0);
	CHECK_EQ(check_function(opened.twice, "plug_twice", path).site, 0);
	/* A FIFO does not block. */
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(mkfifo(path, 0600), 0);
	CHECK_EQ(check_function(opened.twice, "plug_twice", path).site, 0);
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	CHECK_EQ(system(command), 0);
}

/* same */

#define MOST_SITES 4096
#define MOST_TEXT  4000

struct listed {
	unsigned long ip, function;
	char name[MOST_TEXT], display[MOST_TEXT], object[MOST_TEXT];
};

static struct list {
	int count;
	struct listed sites[MOST_SITES];
} *list;

static int add_site(const struct ftrace_site *site, void *data)
{
	struct listed *listed = &list->sites[list->count++];

	(void)data;
	CHECK(list->count <= MOST_SITES);
	listed->ip = site->ip;
	listed->function = site->function;
	snprintf(listed->name, MOST_TEXT, "%s", site->name);
	snprintf(listed->display, MOST_TEXT, "%s", site->display);
	snprintf(listed->object, MOST_TEXT, "%s", site->object);
	return 0;
}

static void check_same(const struct listed *listed)
{
	struct ftrace_symbol symbol = look_up(listed->ip);

	CHECK_EQ(symbol.site, listed->ip);
	CHECK_EQ(symbol.function, listed->function);
	CHECK_EQ(strcmp(symbol.name ? symbol.name : "", listed->name), 0);
	CHECK_EQ(strcmp(symbol.display ? symbol.display : "", listed->display), 0);
	CHECK_EQ(strcmp(symbol.object, listed->object), 0);
	CHECK(listed->ip - listed->function < symbol.length);
}

static void same(void)
{
	int status, demangled = 0;
	pid_t pid;

	CHECK(dlopen(NAMES, RTLD_NOW | RTLD_LOCAL));
	open_object(PLUGIN);
	open_object(STRIPPED);
	open_object(MCOUNT);
	list = mmap(NULL, sizeof(*list), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(list != MAP_FAILED);

	/* The child makes the list; this process has read nothing before it looks up. */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(ftrace_for_each_site(add_site, NULL, 0));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK(list->count > 20);
	for (int i = 0; i < list->count; i++) {
		check_same(&list->sites[i]);
		demangled += strcmp(list->sites[i].name, list->sites[i].display) != 0;
	}
	CHECK(demangled > 10);

	/* Read, and traced. */
	CHECK_EQ(ftrace_register_function(&ops), 0);
	list->count = 0;
	CHECK_EQ(ftrace_for_each_site(add_site, NULL, 0), 0);
	for (int i = 0; i < list->count; i++)
		check_same(&list->sites[i]);
	CHECK_EQ(ftrace_unregister_function(&ops), 0);
	printf("%d functions, %d demangled\n", list->count, demangled);
}

/* code */

static unsigned long return_address;
static int handler_result;

/* A location for ftrace_make_call_redzone(), and a function that preserves all registers. */
void redzone_location(void);
void redzone_target(void);
unsigned long redzone_return;
__asm__(".text\n"
	".type redzone_location, @function\n"
	"redzone_location: .byte 0x0f, 0x1f, 0x44, 0, 0\n"
	"	ret\n"
	".size redzone_location, . - redzone_location\n"
	"redzone_target: push %rax\n"
	"	mov 8(%rsp), %rax\n"
	"	mov %rax, redzone_return(%rip)\n"
	"	pop %rax\n"
	"	ret\n");

static void note_return(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *own,
			struct ftrace_regs *regs)
{
	struct ftrace_symbol symbol = {.size = sizeof(symbol)};

	(void)ip, (void)parent_ip, (void)own, (void)regs;
	return_address = (unsigned long)__builtin_return_address(0);
	handler_result = ftrace_lookup(ip, &symbol, NULL, 0);
}

static void code(void)
{
	struct ftrace_ops own = OPS(note_return);
	struct ftrace_symbol symbol;
	unsigned long site, stub;

	trace(&own, "traced_global");
	traced_global();
	symbol = look_up(return_address);
	CHECK_EQ(strcmp(symbol.name, "ftrace_trampoline"), 0);
	CHECK_EQ(strcmp(symbol.display, "ftrace_trampoline"), 0);
	CHECK(strstr(symbol.object, "libftrace"));
	CHECK_EQ(symbol.offset, return_address - symbol.function);
	CHECK(symbol.offset < symbol.length);
	CHECK_EQ(symbol.site, 0);

	site = find_site("traced_global").ip;
	CHECK_EQ(*(unsigned char *)site, 0xe8);
	stub = site + 5 + *(int *)(site + 1);
	for (unsigned long at = 0; at < 32; at++) {
		symbol = look_up(stub + at);
		CHECK_EQ(strcmp(symbol.name, "ftrace_trampoline"), 0);
		CHECK_EQ(strcmp(symbol.object, "__builtin__ftrace"), 0);
		CHECK_EQ(symbol.function, stub);
		CHECK_EQ(symbol.length, 32);
		CHECK_EQ(symbol.offset, at);
		CHECK_EQ(symbol.site, 0);
	}
	CHECK(look_up(stub + 32).function == stub + 32);
	untrace(&own);

	/* The same for calls in the middle of a function: the jump's target, and the caller. */
	site = (unsigned long)redzone_location;
	CHECK_EQ(ftrace_make_call_redzone(site, (unsigned long)redzone_target), 0);
	redzone_location();
	CHECK_EQ(*(unsigned char *)site, 0xe9);
	stub = site + 5 + *(int *)(site + 1);
	symbol = look_up(stub + 1);
	CHECK_EQ(strcmp(symbol.name, "ftrace_trampoline"), 0);
	CHECK_EQ(strcmp(symbol.object, "__builtin__ftrace"), 0);
	CHECK_EQ(symbol.offset, 1);
	symbol = look_up(redzone_return);
	CHECK_EQ(strcmp(symbol.name, "ftrace_trampoline"), 0);
	CHECK(strstr(symbol.object, "libftrace"));
	CHECK_EQ(symbol.offset, redzone_return - symbol.function);
	CHECK(symbol.offset < symbol.length);
	CHECK_EQ(ftrace_make_nop(site, (unsigned long)redzone_target), 0);

	/* An exported function of the library. */
	symbol = look_up((unsigned long)dlsym(RTLD_DEFAULT, "ftrace_lookup"));
	CHECK_EQ(strcmp(symbol.name, "ftrace_lookup"), 0);
}

/* buffer */

static void check_sizes(unsigned long ip)
{
	struct ftrace_symbol whole = look_up(ip), symbol = {.size = sizeof(symbol)}, before;
	char *end = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t needed = strlen(whole.object) + 1;
	char name[BUFFER], display[BUFFER];

	CHECK(end != MAP_FAILED);
	end += 3 * 4096;
	CHECK_EQ(mprotect(end, 4096, PROT_NONE), 0);
	if (whole.name) {
		needed += strlen(whole.name) + 1;
		needed += whole.display == whole.name ? 0 : strlen(whole.display) + 1;
		strcpy(name, whole.name);
		strcpy(display, whole.display);
	}
	CHECK(needed < 3 * 4096);
	for (size_t length = 1; length <= needed + 1; length++) {
		int error;

		memset(&symbol, 0x5a, sizeof(symbol));
		symbol.size = sizeof(symbol);
		before = symbol;
		error = ftrace_lookup(ip, &symbol, end - length, length);
		if (length < needed) {
			CHECK_EQ(error, -ENAMETOOLONG);
			CHECK_EQ(memcmp(&symbol, &before, sizeof(symbol)), 0);
			continue;
		}
		/* A byte to read the symbol's name into may be needed, which it may not have. */
		if (length == needed && error == -ENAMETOOLONG && !whole.name)
			continue;
		CHECK_EQ(error, 0);
		CHECK_EQ(symbol.function, whole.function);
		CHECK_EQ(symbol.length, whole.length);
		if (whole.name) {
			CHECK_EQ(strcmp(symbol.name, name), 0);
			CHECK_EQ(strcmp(symbol.display, display), 0);
		}
	}

	/* Without strings. */
	memset(&symbol, 0x5a, sizeof(symbol));
	symbol.size = sizeof(symbol);
	CHECK_EQ(ftrace_lookup(ip, &symbol, NULL, 0), 0);
	CHECK(!symbol.name && !symbol.display && !symbol.object);
	CHECK_EQ(symbol.function, whole.function);
	CHECK_EQ(symbol.length, whole.length);
	CHECK_EQ(symbol.offset, whole.offset);
	CHECK_EQ(symbol.site, whole.site);
	CHECK_EQ(symbol.base, whole.base);
}

static int check_sizes_of(const struct listed *listed)
{
	check_sizes(listed->ip);
	return 1;
}

static void buffers(void)
{
	struct opened plain = open_object(STRIPPED);
	int checked = 0;

	CHECK(dlopen(NAMES, RTLD_NOW | RTLD_LOCAL));
	check_sizes((unsigned long)traced_global);
	check_sizes((unsigned long)untraced - 1);
	check_sizes(plain.twice);
	list = calloc(1, sizeof(*list));
	CHECK(list);
	CHECK_EQ(ftrace_for_each_site(add_site, NULL, 0), 0);
	for (int i = 0; i < list->count && checked < 3; i++)
		if (strcmp(list->sites[i].name, list->sites[i].display) != 0)
			checked += check_sizes_of(&list->sites[i]);
	CHECK_EQ(checked, 3);
}

/* memory */

#define MOST_MAPPED (256ul << 10)

static unsigned long mapped;
static int statm;

/* Without a call that is watched. */
static unsigned long address_space(void)
{
	char text[256];
	long length = pread(statm, text, sizeof(text) - 1, 0);

	CHECK(length > 0);
	text[length] = 0;
	return strtoul(text, NULL, 10) * 4096;
}

/* At each system call that the library makes, the memory of the process. */
static long look(long number, bool done)
{
	unsigned long now = address_space();

	(void)number, (void)done;
	mapped = now > mapped ? now : mapped;
	return 0;
}

static int any(const struct ftrace_site *site, void *data)
{
	(void)site, (void)data;
	return 0;
}

static void memory(void)
{
	void *large = dlopen(LARGE, RTLD_NOW | RTLD_LOCAL);
	struct ftrace_symbol symbol;
	unsigned long function, before;

	CHECK(large);
	function = (unsigned long)dlsym(large, "f_115000");
	CHECK(function);
	look_up((unsigned long)traced_global); /* what the library needs once */
	statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	CHECK(statm >= 0);
	watch_calls(look);

	before = mapped = address_space();
	watching = true;
	symbol = look_up(function + 3);
	watching = false;
	CHECK_EQ(strcmp(symbol.name, "f_115000"), 0);
	CHECK_EQ(symbol.site, function);
	printf("a lookup: %lu KB\n", (mapped - before) >> 10);
	CHECK(mapped - before < MOST_MAPPED);
	CHECK_EQ(address_space(), before);

	/* The same look sees the tables of the list. */
	watching = true;
	CHECK_EQ(ftrace_for_each_site(any, NULL, 0), 0);
	watching = false;
	printf("the list: %lu KB\n", (mapped - before) >> 10);
	CHECK(mapped - before > 4 * MOST_MAPPED);
}

/* contexts */

static int in_window(void *data)
{
	struct ftrace_symbol symbol = {.size = sizeof(symbol)};

	return ftrace_lookup(*(unsigned long *)data, &symbol, NULL, 0);
}

static void contexts(void)
{
	struct ftrace_symbol symbol = {.size = sizeof(symbol)};
	struct ftrace_ops own = OPS(note_return);
	unsigned long ip = (unsigned long)traced_global;

	CHECK_EQ(ftrace_lookup(ip, &symbol, NULL, 0), 0);
	CHECK_EQ(ftrace_lookup(ip, NULL, NULL, 0), -EINVAL);
	CHECK_EQ(ftrace_lookup(ip, (void *)((char *)&symbol + 1), NULL, 0), -EINVAL);
	CHECK_EQ(ftrace_lookup(ip, &symbol, NULL, 1), -EINVAL);
	symbol.size = sizeof(symbol) - 1;
	CHECK_EQ(ftrace_lookup(ip, &symbol, NULL, 0), -EINVAL);
	symbol.size = 4097;
	CHECK_EQ(ftrace_lookup(ip, &symbol, NULL, 0), -E2BIG);
	CHECK_EQ(ftrace_lookup(ip, &symbol, buffer, 0), -E2BIG);

	trace(&own, "traced_global");
	handler_result = 0;
	traced_global();
	CHECK_EQ(handler_result, -EDEADLK);
	untrace(&own);
	CHECK_EQ(ftrace_stop_machine(in_window, &ip), -EDEADLK);
	ftrace_nmi_enter();
	CHECK_EQ(in_window(&ip), -EDEADLK);
	ftrace_nmi_exit();
	CHECK_EQ(in_window(&ip), 0);

	/* A structure that has grown, and that has grown by something unknown. */
	struct {
		struct ftrace_symbol symbol;
		unsigned long more;
	} larger = {.symbol.size = sizeof(larger)};
	CHECK_EQ(ftrace_lookup(ip, &larger.symbol, NULL, 0), 0);
	CHECK_EQ(larger.symbol.size, sizeof(larger));
	larger.more = 1;
	CHECK_EQ(ftrace_lookup(ip, &larger.symbol, NULL, 0), -E2BIG);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"program", program}, {"object", object},     {"gone", gone},
		{"stripped", stripped}, {"same", same},       {"code", code},
		{"buffer", buffers},  {"memory", memory},     {"contexts", contexts},
		{NULL, NULL},
	};

	traced_local();
	untraced();
	alarm(120);
	return run_mode(modes, argc, argv);
}
