/* SPDX-License-Identifier: MIT */
/*
 * foreign.c - functions whose entries another tool changes, before they are traced or
 * while they are: what is reported, and that they are traced when the tool is gone.
 *
 * The tools are this program itself, a debugger (foreign.sh), and the kernel's uprobes;
 * for a second copy of the library see copied.c. The second argument is an object.
 */
#define _GNU_SOURCE
#include "../modes.h"
#include "../test.h"
#include "../traced.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

TRACED int watched(int x);
TRACED int unwatched(int x);
int probed(int x);

TRACED int watched(int x)
{
	return x + 1;
}

TRACED int unwatched(int x)
{
	return x + 2;
}

/* In the file is the nop that the kernel turns into a call, as with -mnop-mcount. */
__asm__(".text\n"
	".p2align 4\n"
	".globl probed\n"
	".type probed, @function\n"
	"probed: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
	"	lea 3(%rdi), %eax\n"
	"	ret\n"
	".size probed, .-probed\n"
	".pushsection " ENTRIES_SECTION "\n"
	".p2align 3\n"
	".quad probed\n"
	".popsection\n");

/* A sled of XRay, as with Clang's -fxray-instrument. */
int sledded(int x);
__asm__(".text\n"
	".p2align 4\n"
	".globl sledded\n"
	".type sledded, @function\n"
	"sledded: .byte 0xeb, 9, 0x66, 0x0f, 0x1f, 0x84, 0, 0, 2, 0, 0\n"
	"	lea 1(%rdi), %eax\n"
	"	ret\n"
	".size sledded, .-sledded\n"
	".pushsection xray_instr_map, \"ao\", @progbits, .text\n"
	"1: .quad sledded - 1b\n"
	"2: .quad sledded - 2b\n"
	".byte 0, 0, 2\n"
	".zero 13\n"
	".popsection\n");

/* As with -mfentry -mrecord-mcount, with a function of its own in place of __fentry__(). */
int fentried(int x);
__asm__(".text\n"
	".p2align 4\n"
	"nothing: ret\n"
	".globl fentried\n"
	".type fentried, @function\n"
	"fentried: call nothing\n"
	"	lea 4(%rdi), %eax\n"
	"	ret\n"
	".size fentried, .-fentried\n"
	".pushsection __mcount_loc, \"aw\", @progbits\n"
	".p2align 3\n"
	".quad fentried\n"
	".popsection\n");

static const unsigned char nop5[5] = {0x0f, 0x1f, 0x44, 0, 0};

static int reports;
static char report[1024];

static void print(const char *line)
{
	reports++;
	snprintf(report, sizeof(report), "%s", line);
	printf("%s\n", line);
	fflush(stdout);
}

static void check_report(const char *text)
{
	if (!strstr(report, text))
		dprintf(2, "not in the report: %s\n%s\n", text, report);
	CHECK(strstr(report, text));
}

static unsigned long hits;
static struct ftrace_ops ops = OPS(count_hit, .flags = FTRACE_OPS_FL_SKIP_FOREIGN, .data = &hits);
static struct ftrace_ops strict = OPS(count_hit, .data = &hits);
static struct ftrace_ops unrelated = OPS(count_hit, .data = &hits);

static void check_call(int (*function)(int), unsigned long expected)
{
	hits = 0;
	CHECK_EQ(function(1), 2);
	CHECK_EQ(hits, expected);
}

static void call_watched(unsigned long expected)
{
	check_call(watched, expected);
}

static unsigned long site_of(const char *name)
{
	struct find site = find_site(name);

	CHECK_EQ(site.count, 1);
	return site.ip;
}

static void read_site(unsigned long ip, unsigned char *code)
{
	memcpy(code, (void *)ip, 5);
}

/* What makes the library look: each kind of call, none of which concerns the function. */
static void look(int kind)
{
	switch (kind) {
	case 0:
		CHECK_EQ(ftrace_update_sites(), 0);
		break;
	case 1:
		CHECK_EQ(ftrace_set_filter(&unrelated, "unwatched", 0, 1), 0);
		break;
	case 2:
		CHECK_EQ(ftrace_set_notrace(&unrelated, "unwatched", 0, 1), 0);
		break;
	case 3:
		trace(&unrelated, "unwatched");
		untrace(&unrelated);
		break;
	default:
		find_site("watched");
		break;
	}
}
#define LOOKS 5

/* Skipped, and tried again by each kind of call; without a stop as long as it is foreign. */
static void again(void)
{
	static const unsigned char theirs[5] = {0xb8, 1, 0, 0, 0}; /* mov $1,%eax */
	unsigned long ip = site_of("watched");
	unsigned char before[5];

	CHECK_EQ(ftrace_set_print(print), 0);
	for (int kind = 0; kind < LOOKS; kind++) {
		uint64_t stops;

		/* Not yet traced. */
		read_site(ip, before);
		overwrite(ip, theirs);
		reports = 0;
		trace(&ops, "watched");
		CHECK_EQ(reports, 1);
		check_report("other code");
		stops = stats().stops;
		CHECK_EQ(ftrace_update_sites(), 0);
		CHECK_EQ(filter(&ops, "watched"), 0);
		CHECK_EQ(stats().stops, stops);
		look(kind);
		CHECK_EQ(find_site("watched").users, 0);
		CHECK_EQ(memcmp((void *)ip, theirs, 5), 0);
		CHECK_EQ(reports, 1);
		overwrite(ip, before);
		call_watched(0);
		look(kind);
		call_watched(1);
		CHECK_EQ(find_site("watched").users, 1);

		/* Traced: another handler is added as soon as that is possible. */
		read_site(ip, before);
		overwrite(ip, theirs);
		strict.flags = FTRACE_OPS_FL_SKIP_FOREIGN;
		trace(&strict, "watched");
		CHECK_EQ(reports, 2);
		CHECK_EQ(find_site("watched").users, 1);
		overwrite(ip, before);
		call_watched(1);
		look(kind);
		call_watched(2);
		untrace(&strict);
		call_watched(1);

		/* Taken away while it is foreign: nobody is called, and the nop comes later. */
		read_site(ip, before);
		overwrite(ip, theirs);
		CHECK_EQ(ftrace_unregister_function(&ops), -EINVAL);
		CHECK_EQ(reports, 3);
		check_report("watched");
		CHECK_EQ(ftrace_unregister_function(&ops), -ENOENT);
		CHECK_EQ(ftrace_free_filter(&ops), 0);
		stops = stats().stops;
		CHECK_EQ(ftrace_update_sites(), 0);
		CHECK_EQ(find_site("watched").users, 1);
		CHECK_EQ(stats().stops, stops);
		CHECK_EQ(reports, 3);
		CHECK_EQ(memcmp((void *)ip, theirs, 5), 0);
		overwrite(ip, before);
		call_watched(0);
		look(kind);
		CHECK_EQ(find_site("watched").users, 0);
		CHECK_EQ(memcmp((void *)ip, nop5, 5), 0);
		call_watched(0);
		CHECK_EQ(reports, 3);
	}
	CHECK_EQ(ftrace_set_print(NULL), 0);
}

/* Another tool has put back what was there before the call, or an earlier call. */
static void removed(void)
{
	static const unsigned char nops[5] = {0x90, 0x90, 0x90, 0x90, 0x90};
	unsigned long ip = site_of("watched");
	unsigned char call[5], two[5];

	CHECK_EQ(ftrace_set_print(print), 0);
	trace(&ops, "watched");
	for (int round = 0; round < 4; round++) {
		overwrite(ip, round % 2 ? nops : nop5);
		call_watched(0);
		CHECK_EQ(find_site("watched").users, 1); /* nobody has looked */
		CHECK_EQ(ftrace_update_sites(), 0);
		CHECK_EQ(find_site("watched").users, 1);
		call_watched(1);
	}

	/* Only the first byte, as the kernel does when a uprobe is removed. */
	read_site(ip, call);
	call[0] = 0x90;
	overwrite(ip, call);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(*(unsigned char *)ip, 0xe8);
	call_watched(1);

	/* A handler that comes now, or goes, finds the nop: nothing is wrong with that. */
	strict.flags = 0;
	overwrite(ip, nop5);
	trace(&strict, "watched");
	call_watched(2);
	overwrite(ip, nop5);
	untrace(&strict);
	call_watched(1);

	/* The call of two handlers comes back when there is one, and when there is none. */
	trace(&strict, "watched");
	read_site(ip, two);
	untrace(&strict);
	read_site(ip, call);
	CHECK(memcmp(call, two, 5) != 0);
	overwrite(ip, two);
	trace(&strict, "watched");
	call_watched(2);
	untrace(&strict);
	overwrite(ip, two);
	CHECK_EQ(ftrace_unregister_function(&ops), 0);
	CHECK_EQ(memcmp((void *)ip, nop5, 5), 0);
	overwrite(ip, call);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	call_watched(1);
	untrace(&ops);
	CHECK_EQ(reports, 0);
	CHECK_EQ(ftrace_set_print(NULL), 0);
}

/* Both may change where the function continues, and were registered while it was foreign. */
static void ipmodify(void)
{
	static const unsigned char theirs[5] = {0xb8, 1, 0, 0, 0}; /* mov $1,%eax */
	unsigned long ip = site_of("watched"), flags = FTRACE_OPS_FL_SAVE_REGS |
						       FTRACE_OPS_FL_IPMODIFY |
						       FTRACE_OPS_FL_SKIP_FOREIGN;
	unsigned char before[5];
	unsigned long more = 0;
	struct ftrace_ops second = OPS(count_hit, .flags = flags, .data = &more);

	ops.flags = flags;
	CHECK_EQ(ftrace_set_print(print), 0);
	for (int round = 0; round < 2; round++) {
		read_site(ip, before);
		overwrite(ip, theirs);
		trace(&ops, "watched");
		trace(&second, "watched");
		overwrite(ip, before);
		CHECK_EQ(ftrace_update_sites(), 0);
		check_report("IPMODIFY");
		report[0] = 0;
		CHECK_EQ(find_site("watched").users, 1);
		call_watched(1);
		CHECK_EQ(more, 0);

		/* Another tool changes it again: the one that has it keeps it. */
		read_site(ip, before);
		overwrite(ip, theirs);
		strict.flags = FTRACE_OPS_FL_SKIP_FOREIGN;
		trace(&strict, "watched");
		overwrite(ip, before);
		CHECK_EQ(ftrace_update_sites(), 0);
		call_watched(2);
		CHECK_EQ(more, 0);
		untrace(&strict);
		untrace(&second);
		untrace(&ops);
		call_watched(0);
	}
	CHECK_EQ(ftrace_set_print(NULL), 0);
}

/* Memory for code in reach of a call. */
static unsigned char *near(unsigned long ip)
{
	for (unsigned long at = (ip & ~4095UL) + (16 << 20); at < ip + (1UL << 30); at += 1 << 20) {
		void *code = mmap((void *)at, 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (code == (void *)at)
			return code;
		if (code != MAP_FAILED)
			munmap(code, 4096);
	}
	CHECK(0);
	return NULL;
}

static void check_found(unsigned long ip, const unsigned char *code, const char *text)
{
	unsigned char before[5];

	read_site(ip, before);
	overwrite(ip, code);
	report[0] = 0;
	CHECK_EQ(ftrace_register_function(&strict), -EINVAL);
	CHECK_EQ(memcmp((void *)ip, code, 5), 0);
	check_report("watched at 0x");
	check_report(text);
	overwrite(ip, before);
}

static void transfer(unsigned char *code, unsigned char opcode, unsigned long from,
		     unsigned long to)
{
	int displacement = (int)(to - from - 5);

	code[0] = opcode;
	memcpy(code + 1, &displacement, 4);
}

static const char *object;

/* What a report says about tools that write calls and jumps. */
static void hooked(void)
{
	void *tool = dlopen(object, RTLD_NOW | RTLD_LOCAL);
	void *hook = tool ? dlsym(tool, "plug_twice") : NULL;
	unsigned long ip = site_of("watched");
	unsigned char *trampoline = near(ip), code[5], breakpoint[5];

	CHECK(hook);
	CHECK_EQ(ftrace_set_print(print), 0);
	CHECK_EQ(ftrace_set_filter(&strict, "watched", 0, 1), 0);

	/* A trampoline that nothing is known of; one that jumps into an object. */
	memset(trampoline, 0x90, 4096);
	memcpy(trampoline + 64, "\xff\x25\0\0\0\0", 6); /* jmp *0(%rip) */
	memcpy(trampoline + 70, &hook, 8);
	CHECK_EQ(mprotect(trampoline, 4096, PROT_READ | PROT_EXEC), 0);
	transfer(code, 0xe9, ip, (unsigned long)trampoline);
	check_found(ip, code, "a jump to 0x");
	check_report("hooks functions");
	transfer(code, 0xe8, ip, (unsigned long)trampoline + 64);
	check_found(ip, code, "a call into ");
	check_report(object);

	/* The tool has gone, and left its jump. */
	munmap(trampoline, 4096);
	transfer(code, 0xe9, ip, (unsigned long)trampoline);
	check_found(ip, code, "where no code is");

	/* A function of the program. */
	transfer(code, 0xe9, ip, (unsigned long)check_found);
	check_found(ip, code, "in the same object");

	read_site(ip, breakpoint);
	breakpoint[0] = 0xcc;
	check_found(ip, breakpoint, "uprobe");
	memcpy(code, "\xc3\x90\x90\x90\x90", 5);
	check_found(ip, code, "a return instruction");
	memcpy(code, "\x0f\x1f\x80\0\0", 5); /* the beginning of a nop of seven bytes */
	check_found(ip, code, "nops of another shape");
	memcpy(code, "\xb8\1\0\0\0", 5); /* mov $1,%eax */
	check_found(ip, code, "other code");
	CHECK_EQ(ftrace_free_filter(&strict), 0);
	CHECK_EQ(ftrace_set_print(NULL), 0);
	CHECK_EQ(dlclose(tool), 0);
}

/* A call that the compiler may have left is another tool's if it leads out of the object. */
static void mcount(void)
{
	unsigned long ip = site_of("fentried");
	unsigned char *trampoline = near(ip), code[5], before[5];

	CHECK_EQ(ftrace_set_print(print), 0);
	*trampoline = 0xc3;
	CHECK_EQ(mprotect(trampoline, 4096, PROT_READ | PROT_EXEC), 0);
	read_site(ip, before);
	CHECK_EQ(before[0], 0xe8);
	transfer(code, 0xe8, ip, (unsigned long)trampoline);
	for (int round = 0; round < 2; round++) {
		overwrite(ip, code);
		strict.flags = 0;
		CHECK_EQ(ftrace_set_filter(&strict, "fentried", 0, 1), 0);
		CHECK_EQ(ftrace_register_function(&strict), -EINVAL);
		check_report("a call to 0x");
		CHECK_EQ(memcmp((void *)ip, code, 5), 0);
		trace(&ops, "fentried");
		CHECK_EQ(find_site("fentried").users, 0);
		CHECK_EQ(memcmp((void *)ip, code, 5), 0);
		hits = 0;
		CHECK_EQ(fentried(1), 5);
		CHECK_EQ(hits, 0);
		overwrite(ip, before); /* in the second round what the library left */
		CHECK_EQ(ftrace_update_sites(), 0);
		CHECK_EQ(fentried(1), 5);
		CHECK_EQ(hits, 1);
		untrace(&ops);
		read_site(ip, before);
		CHECK_EQ(memcmp(before, nop5, 5), 0);
	}
	CHECK_EQ(ftrace_set_print(NULL), 0);
}

/* An object is opened in which a function is foreign; later the only traced function of it is. */
static void opened(void)
{
	static const unsigned char theirs[5] = {0xb8, 1, 0, 0, 0}; /* mov $1,%eax */
	unsigned char before[5];
	unsigned long offset, ip;
	void *handle = dlopen(object, RTLD_NOW | RTLD_LOCAL), *another;
	int (*twice)(int);

	CHECK(handle);
	offset = site_of("plug_twice") - (unsigned long)dlsym(handle, "plug_twice");
	CHECK_EQ(dlclose(handle), 0);
	CHECK_EQ(ftrace_set_print(print), 0);
	strict.flags = 0;
	CHECK_EQ(ftrace_set_filter(&strict, "watched", 0, 1), 0);
	CHECK_EQ(ftrace_register_function(&strict), 0);
	handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);
	CHECK_EQ(filter(&strict, "plug_*"), 0);
	CHECK_EQ(dlclose(handle), 0);
	CHECK_EQ(ftrace_update_sites(), 0);

	handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);
	CHECK(handle);
	twice = (int (*)(int))dlsym(handle, "plug_twice");
	ip = (unsigned long)twice + offset;
	read_site(ip, before);
	overwrite(ip, theirs);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(ftrace_update_sites(), -EINVAL);
		CHECK_EQ(reports, 1);
		CHECK_EQ(find_site("plug_answer").users, 0);
	}
	overwrite(ip, before);
	CHECK_EQ(ftrace_update_sites(), 0);
	hits = 0;
	CHECK_EQ(twice(5), 10);
	CHECK_EQ(hits, 2);

	/* Only one function is traced now, and that one is foreign when another object is opened.
	 */
	CHECK_EQ(ftrace_set_filter(&strict, "plug_twice", 0, 1), 0);
	read_site(ip, before);
	overwrite(ip, theirs);
	another = dlopen("libpthread.so.0", RTLD_NOW | RTLD_LOCAL);
	another = another ? another : dlopen("libutil.so.1", RTLD_NOW | RTLD_LOCAL);
	CHECK(another);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(find_site("plug_twice").users, 1);
	overwrite(ip, before);
	hits = 0;
	CHECK_EQ(twice(5), 10);
	CHECK_EQ(hits, 1);
	CHECK_EQ(ftrace_unregister_function(&strict), 0);
	CHECK_EQ(memcmp((void *)ip, nop5, 5), 0);
	CHECK_EQ(ftrace_free_filter(&strict), 0);
	CHECK_EQ(reports, 1);
	CHECK_EQ(ftrace_set_print(NULL), 0);
}

/* foreign.sh sets breakpoints in this function, and acts on the stage. */
__attribute__((noipa)) void stage(int number);
__attribute__((noipa)) void stage(int number)
{
	__asm__ volatile("" : : "r"(number) : "memory");
}

volatile unsigned long debugged_ip;

static void debugged(void)
{
	unsigned char code[5];

	debugged_ip = site_of("watched");
	CHECK_EQ(ftrace_set_print(print), 0);
	stage(1); /* a breakpoint is set at the site */
	read_site(debugged_ip, code);
	CHECK_EQ(code[0], 0xcc);
	CHECK_EQ(ftrace_set_filter(&strict, "watched", 0, 1), 0);
	CHECK_EQ(ftrace_register_function(&strict), -EINVAL);
	check_report("a breakpoint, probably of process ");
	check_report("(gdb)");
	trace(&ops, "watched");
	CHECK_EQ(find_site("watched").users, 0);
	stage(2); /* it is deleted */
	call_watched(0);
	CHECK_EQ(ftrace_update_sites(), 0);
	call_watched(1);
	stage(3); /* one is set over the call */
	read_site(debugged_ip, code);
	CHECK_EQ(code[0], 0xcc);
	call_watched(1);
	reports = 0;
	CHECK_EQ(ftrace_unregister_function(&ops), -EINVAL);
	CHECK_EQ(reports, 1);
	check_report("(gdb)");
	call_watched(0);
	CHECK_EQ(find_site("watched").users, 1);
	stage(4); /* and deleted */
	call_watched(0);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(find_site("watched").users, 0);
	CHECK_EQ(memcmp((void *)debugged_ip, nop5, 5), 0);
	CHECK_EQ(reports, 1);
	printf("done\n");
}

/* A uprobe at an address in the program. Without the right, or the kernel's part: skipped. */
static int open_uprobe(unsigned long ip)
{
	struct perf_event_attr attr = {.size = sizeof(attr), .sample_period = 1};
	unsigned long base = 0;
	FILE *maps = fopen("/proc/self/maps", "re"), *type;
	char line[512], file[256];
	int fd;

	CHECK(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end, offset;

		file[0] = 0;
		CHECK(sscanf(line, "%lx-%lx %*s %lx %*s %*s %255s", &start, &end, &offset, file) >=
		      3);
		if (ip - start < end - start) {
			base = start - offset;
			break;
		}
	}
	fclose(maps);
	CHECK(base && file[0] == '/');
	type = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	if (!type || fscanf(type, "%u", &attr.type) != 1) {
		printf("skipped: the kernel has no uprobes\n");
		exit(77);
	}
	fclose(type);
	attr.uprobe_path = (uint64_t)(uintptr_t)file;
	attr.probe_offset = ip - base;
	fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0) {
		printf("skipped: perf_event_open: %s\n", strerror(errno));
		exit(77);
	}
	return fd;
}

static unsigned char first_byte(void)
{
	return *(volatile unsigned char *)probed;
}

static void uprobe(void)
{
	int fd;

	CHECK_EQ(site_of("probed"), (unsigned long)probed);
	CHECK_EQ(ftrace_set_print(print), 0);
	CHECK_EQ(ftrace_set_filter(&strict, "probed", 0, 1), 0);
	fd = open_uprobe((unsigned long)probed);
	CHECK_EQ(first_byte(), 0xcc);
	CHECK_EQ(ftrace_register_function(&strict), -EINVAL);
	check_report("uprobe of the kernel");
	trace(&ops, "probed");
	CHECK_EQ(find_site("probed").users, 0);

	/* Since Linux 6.18 the breakpoint becomes a call when it was hit. */
	CHECK_EQ(probed(1), 4);
	CHECK_EQ(probed(1), 4);
	CHECK_EQ(hits, 0);
	if (first_byte() == 0xcc) {
		printf("skipped: this kernel does not turn nops into calls\n");
		close(fd);
		exit(77);
	}
	CHECK_EQ(first_byte(), 0xe8);
	CHECK_EQ(ftrace_register_function(&strict), -EINVAL);
	check_report("a call, by a uprobe of the kernel");
	CHECK_EQ(first_byte(), 0xe8);
	reports = 0;
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(probed(1), 4);
	CHECK_EQ(hits, 0);
	close(fd);
	CHECK_EQ(memcmp((void *)probed, nop5, 5), 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(probed(1), 4);
	CHECK_EQ(hits, 1);

	/* Over the call of the library: the kernel executes what is in the file, a nop, and puts it
	 * back. */
	fd = open_uprobe((unsigned long)probed);
	CHECK_EQ(probed(1), 4);
	CHECK_EQ(probed(1), 4);
	CHECK_EQ(hits, 1);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(reports, 0);
	close(fd);
	CHECK_EQ(memcmp((void *)probed, nop5, 5), 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(probed(1), 4);
	CHECK_EQ(hits, 2);

	/* Unregistered while it is there. */
	fd = open_uprobe((unsigned long)probed);
	CHECK_EQ(ftrace_unregister_function(&ops), -EINVAL);
	CHECK_EQ(reports, 1);
	check_report("uprobe of the kernel");
	CHECK_EQ(probed(1), 4);
	close(fd);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(find_site("probed").users, 0);
	CHECK_EQ(probed(1), 4);
	CHECK_EQ(hits, 2);
	CHECK_EQ(reports, 1);
}

/*
 * Over the call of the library, where the file has something else than a nop of five bytes. When
 * the probe is removed, only the first byte is the file's: executed, that would end the process.
 */
static void uprobe_over(const char *name, int (*function)(int), unsigned char first)
{
	unsigned long ip = site_of(name);
	unsigned char call[5];
	int fd;

	CHECK_EQ(ftrace_set_print(print), 0);
	trace(&ops, name);
	read_site(ip, call);
	for (int round = 0; round < 3; round++) {
		fd = open_uprobe(ip);
		CHECK_EQ(*(volatile unsigned char *)ip, 0xcc);
		if (first == 0xeb) /* the kernel jumps over the rest */
			check_call(function, 0);
		CHECK_EQ(ftrace_update_sites(), 0);
		CHECK_EQ(*(volatile unsigned char *)ip, 0xcc);
		if (round == 1)
			CHECK_EQ(ftrace_unregister_function(&ops), -EINVAL);
		close(fd);
		CHECK_EQ(*(volatile unsigned char *)ip, first);
		CHECK_EQ(memcmp((void *)(ip + 1), call + 1, 4), 0);
		CHECK_EQ(ftrace_update_sites(), 0);
		CHECK_EQ(*(volatile unsigned char *)ip, round == 1 ? 0x0f : 0xe8);
		check_call(function, round != 1);
		if (round == 1)
			CHECK_EQ(ftrace_register_function(&ops), 0);
		check_call(function, 1);
		read_site(ip, call);
	}
	CHECK_EQ(reports, 1);
	untrace(&ops);
	check_call(function, 0);
}

static void uprobe_over_call(void)
{
	uprobe_over("watched", watched, 0x90); /* the first of five nops */
}

static void uprobe_over_sled(void)
{
	uprobe_over("sledded", sledded, 0xeb); /* the jump of a sled */
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"again", again},
		{"removed", removed},
		{"hooked", hooked},
		{"opened", opened},
		{"debugged", debugged},
		{"uprobe", uprobe},
		{"mcount", mcount},
		{"ipmodify", ipmodify},
		{"uprobe_over_call", uprobe_over_call},
		{"uprobe_over_sled", uprobe_over_sled},
		{NULL, NULL},
	};

	CHECK_EQ(argc, 3);
	object = argv[2];
	return run_mode(modes, 2, argv);
}
