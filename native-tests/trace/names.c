/* SPDX-License-Identifier: MIT */
/*
 * names.c - C++ names: shown and matched as people write them, once a C++ library is
 * in the process, and as they stand in the symbol table otherwise.
 *
 * A C program: the C++ library comes with the plug-in, which is opened with
 * RTLD_LOCAL, so that dlsym(RTLD_DEFAULT) does not find it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../modes.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"
#include "opening.h"

/* As a C++ compiler would have called it; and what only looks like that. */
TRACED int own(int x) __asm__("_ZN6shared3ownEi");
TRACED int broken(int x) __asm__("_ZN6shared");
TRACED int c_name(int x);
/* ns::twice::late(int) const; the plug-in has this one, and one that is not const. */
TRACED int late(int x) __asm__("_ZNK2ns5twice4lateEi");
/* As rustc would have called it, with both kinds of symbols. */
#define OLD_RUST "_ZN4shop5total17h49c8812b46b9d445E"
#define NEW_RUST "_RNvMNtCs1234_4shop4cartNtB2_4Cart4each"
TRACED int old_rust(int x) __asm__(OLD_RUST);
TRACED int new_rust(int x) __asm__(NEW_RUST);

/* Longer than is demangled: the stack that it takes grows with the name. */
#define EIGHT(x)  x x x x x x x x
#define LONG_NAME "_ZN6shared1024" EIGHT(EIGHT(EIGHT("ab"))) "Ei"
TRACED int long_name(int x) __asm__(LONG_NAME);
/* f(int *...*): what takes most of the stack. */
#define STARS EIGHT(EIGHT("PPPPP"))
TRACED int stars(int x) __asm__("_Z1f" STARS "i");

TRACED int own(int x)
{
	return x + 1;
}

TRACED int broken(int x)
{
	return x + 2;
}

TRACED int c_name(int x)
{
	return x + 3;
}

TRACED int long_name(int x)
{
	return x + 4;
}

TRACED int stars(int x)
{
	return x + 5;
}

TRACED int late(int x)
{
	return x + 6;
}

TRACED int old_rust(int x)
{
	return x + 7;
}

TRACED int new_rust(int x)
{
	return x + 8;
}

static void *open_plugin(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		dprintf(2, "%s\n", dlerror());
	CHECK(handle);
	CHECK(!dlsym(RTLD_DEFAULT, "__cxa_demangle"));
	return handle;
}

struct shown {
	const char *name, *display;
	char found[2048];
};

static int show_step(const struct ftrace_site *site, void *data)
{
	struct shown *shown = data;

	if (strcmp(site->name, shown->name) == 0)
		snprintf(shown->found, sizeof(shown->found), "%s", site->display);
	return 0;
}

static void check_display(const char *name, const char *display)
{
	struct shown shown = {.name = name};

	CHECK_EQ(ftrace_for_each_site(show_step, &shown, 0), 0);
	if (strcmp(shown.found, display) != 0) {
		dprintf(2, "%s is shown as \"%s\", not \"%s\"\n", name, shown.found, display);
		_exit(1);
	}
}

static void check_plain(void)
{
	struct ftrace_ops ops = OPS(count_hit);

	check_display("_ZN6shared3ownEi", "_ZN6shared3ownEi");
	check_display("c_name", "c_name");
	check_display(LONG_NAME, LONG_NAME);
	check_display(OLD_RUST, "shop::total");
	check_display(NEW_RUST, "<shop::cart::Cart>::each");
	CHECK_EQ(filter(&ops, "shared::*"), -ENOENT);
	CHECK_EQ(filter(&ops, "*own(*"), -ENOENT);
	CHECK_EQ(filter(&ops, "_ZN6shared3*"), 0);
	CHECK_EQ(ftrace_set_filter(&ops, "::c_name", 0, 1), 0);
	CHECK_EQ(ftrace_free_filter(&ops), 0);
}

/* Without a C++ library, and with one. */
static void shown(void)
{
	check_plain();
	open_plugin(PLUGIN);
	check_display("_ZN6shared3ownEi", "shared::own(int)");
	check_display("_ZN6shared", "_ZN6shared");
	check_display("c_name", "c_name");
	check_display(LONG_NAME, LONG_NAME);
	check_display("plain", "plain");
	check_display("_ZNK2ns3boxltERKS0_", "ns::box::operator<(ns::box const&) const");
}

/* It comes and goes, and none is called that has gone. */
static void gone(void)
{
	for (int round = 0; round < 20; round++) {
		void *handle = open_plugin(DEMANGLER);

		check_display("_ZN6shared3ownEi", "shared::own(int)");
		check_display(LONG_NAME, LONG_NAME);
		CHECK_EQ(dlclose(handle), 0);
		CHECK(!dlopen(DEMANGLER, RTLD_NOW | RTLD_NOLOAD));
		check_plain();
	}
}

/*
 * The demangler itself is traced. The library calls it with the loader's lock held,
 * which a handler may want, while another thread has the one that comes before it.
 */
static void traced(void)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits), other = OPS(count_hit);
	void *handle = open_plugin(DEMANGLER);
	char *(*demangle)(const char *, char *, size_t *, int *);
	size_t size = 0;
	int status;

	*(void **)&demangle = dlsym(handle, "__cxa_demangle");
	CHECK(demangle);
	trace(&ops, "__cxa_demangle");
	check_display("_ZN6shared3ownEi", "shared::own(int)");
	CHECK_EQ(filter(&other, "shared::own"), 0);
	CHECK_EQ(ftrace_free_filter(&other), 0);
	CHECK_EQ(hits, 0);
	for (unsigned long calls = 1; calls < 4; calls++) {
		free(demangle("_ZN6shared3ownEi", NULL, &size, &status));
		CHECK_EQ(status, 0);
		CHECK_EQ(hits, calls);
		check_display("_ZN6shared3ownEi", "shared::own(int)");
		CHECK_EQ(hits, calls);
	}
	untrace(&ops);
}

/* On a small stack, names that need a large one stay as they are. */
#define TINY_STACK (24 * 1024)

static void *list_on_tiny_stack(void *arg)
{
	check_display(NEW_RUST, NEW_RUST);
	return arg;
}

#define SMALL_STACK (96 * 1024)

static void *list_on_small_stack(void *arg)
{
	check_display("_ZN6shared3ownEi", "shared::own(int)");
	check_display("_Z1f" STARS "i", "_Z1f" STARS "i");
	check_display(NEW_RUST, "<shop::cart::Cart>::each");
	return arg;
}

static void *list_on_stack(void *shown)
{
	CHECK_EQ(ftrace_for_each_site(show_step, shown, 0), 0);
	return NULL;
}

static void stack(void)
{
	struct shown shown = {.name = "_Z1f" STARS "i"};
	pthread_attr_t attr;
	pthread_t thread;

	open_plugin(PLUGIN);
	CHECK_EQ(ftrace_for_each_site(show_step, &shown, 0), 0);
	CHECK_EQ(strncmp(shown.found, "f(int***", 8), 0);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, TINY_STACK), 0);
	CHECK_EQ(pthread_create(&thread, &attr, list_on_tiny_stack, NULL), 0);
	join(thread);
	CHECK_EQ(pthread_attr_setstacksize(&attr, SMALL_STACK), 0);
	CHECK_EQ(pthread_create(&thread, &attr, list_on_small_stack, NULL), 0);
	join(thread);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 1024 * 1024), 0);
	shown.found[0] = '\0';
	CHECK_EQ(pthread_create(&thread, &attr, list_on_stack, &shown), 0);
	join(thread);
	CHECK_EQ(strncmp(shown.found, "f(int***", 8), 0);
}

/* What each pattern matches, of functions in the plug-in and own(). */
struct step {
	const char *pattern;
	int result;
	const char *matches[8];
};

#define F_INT	 "ns::f(int)"
#define F_DOUBLE "ns::f(double)"
#define MOD_F	 "ns::mod::f(char*)"
#define HIDDEN	 "ns::(anonymous namespace)::hidden(int)"
#define PICK	 "unsigned long ns::pick<int>(int)"
#define TEXT	 "ns::text[abi:cxx11](int)"
#define OUTER	 "ns::outer(int)"
#define INNER	 "ns::outer(int)::{lambda(int)#1}::operator()(int) const"
#define GET	 "ns::box::get() const"
#define INDEX	 "ns::box::operator[](int)"
#define CALL	 "ns::box::operator()(int) const"
#define LONG	 "ns::box::operator long() const"
#define LESS	 "ns::box::operator<(ns::box const&) const"
#define OWN	 "shared::own(int)"
#define CXX_ONLY "shared::cxx_only(int)"
#define PUSH	 "std::vector<int, std::allocator<int> >::push_back"

#define STRING	   "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"
#define WSTRING	   "std::__cxx11::basic_string<wchar_t, std::char_traits<wchar_t>, std::allocator<wchar_t> >"
#define STRINGS	   "std::vector<" STRING ", std::allocator<" STRING " > >"
#define F_PLAIN	   "ns::twice::two(int)"
#define F_CONST	   "ns::twice::two(int) const"
#define F_POINTER  "ns::twice::two(char*)"
#define F_POINTERS "ns::twice::two(char**)"
#define OVER	   "ns::over(int)"
#define OVER_INT   "int ns::over<int>(int)"
#define OVER_LONG  "int ns::over<long>(long)"
#define WORDS                                                                                      \
	"ns::words(" STRING " const&, std::vector<" STRINGS ", std::allocator<" STRINGS " > > const&)"
#define MAPS                                                                                       \
	"ns::maps(std::map<int, " STRING ", std::less<int>, std::allocator<std::pair<int const, "  \
	STRING " > > > const&, std::unordered_map<" STRING ", int, std::hash<" STRING               \
	" >, std::equal_to<" STRING " >, std::allocator<std::pair<" STRING " const, int> > >*)"
#define SETS	 "ns::sets(std::set<int, std::less<int>, std::allocator<int> > const&)"
#define GREATERS "ns::sets(std::set<int, std::greater<int>, std::allocator<int> > const&)"
#define OWNER	 "ns::owner(std::unique_ptr<int, std::default_delete<int> >, char const* const*)"
#define PUT	 "ns::store<" STRINGS " >::put(" STRINGS " const&)"
#define WPUT	 "ns::store<" WSTRING " >::put(" WSTRING " const&)"

static const struct step steps[] = {
	/* The full form selects one, whatever else matches if that is not there. */
	{"ns::twice::two(int)", 0, {F_PLAIN}},
	{"shop::total", 0, {"shop::total"}},
	{"shop::total::h49c8812b46b9d445", 0, {"shop::total"}},
	{"shop::total::h49c8812b46b9d446", -ENOENT, {NULL}},
	{"shop::cart::Cart::each", 0, {"<shop::cart::Cart>::each"}},
	{"<shop::cart::Cart>::each", 0, {"<shop::cart::Cart>::each"}},
	{"shop::*:mod:program", 0, {"shop::total", "<shop::cart::Cart>::each"}},
	{"shop::cart::Cart", -ENOENT, {NULL}},
	{"ns::twice::two(int) noexcept", 0, {F_PLAIN}},
	{"ns::twice::two(int) const", 0, {F_CONST}},
	{"ns::twice::two(int)*", 0, {F_PLAIN, F_CONST}},
	{"ns::twice::two(*)", 0, {F_PLAIN, F_CONST, F_POINTER, F_POINTERS}},
	{"ns::twice::two(char*)", 0, {F_POINTER}},
	{"ns::twice::two(char *)", 0, {F_POINTER}},
	{"ns::twice::two(char**)", 0, {F_POINTERS}},
	{"ns::twice::two", 0, {F_PLAIN, F_CONST, F_POINTER, F_POINTERS}},
	{"ns::twice::only(int)", 0, {"ns::twice::only(int) const"}},
	{"ns::over(int)", 0, {OVER}},
	{"ns::over<int>(int)", 0, {OVER_INT}},
	{"int ns::over<int>(int)", 0, {OVER_INT}},
	{"ns::over(long)", 0, {OVER_LONG}},
	{"ns::over", 0, {OVER, OVER_INT, OVER_LONG}},
	{"ns::over<long>", 0, {OVER_LONG}},

	/* Default arguments of templates, and spellings. */
	{"ns::words(std::string const&, std::vector<std::vector<std::string> > const&)", 0, {WORDS}},
	{"ns::words(const std::string&, const std::vector<std::vector<std::string>>&)", 0, {WORDS}},
	{"ns::words(const std::string &, const std::vector<std::vector<std::string>> &)", 0, {WORDS}},
	{WORDS, 0, {WORDS}},
	{"ns::words(std::string, *)", -ENOENT, {NULL}},
	{"ns::words(std::string const&, *)", 0, {WORDS}},
	{"ns::words(const std::wstring&, *)", -ENOENT, {NULL}},
	{"ns::words(" STRING " const&, const std::vector<std::vector<std::string>>&)", 0, {WORDS}},
	{"ns::maps(const std::map<int, std::string>&, std::unordered_map<std::string, int>*)", 0, {MAPS}},
	{"ns::maps(const std::map<int,std::string,std::less<int>>&,std::unordered_map<std::string,int>*)", 0, {MAPS}},
	{"ns::maps(const std::map<int, std::string, std::greater<int>>&, *)", -ENOENT, {NULL}},
	{"ns::maps(const std::map<long, std::string>&, *)", -ENOENT, {NULL}},
	{"ns::sets(const std::set<int>&)", 0, {SETS}},
	{"ns::sets(const std::set<int, std::greater<int>>&)", 0, {GREATERS}},
	{"ns::sets", 0, {SETS, GREATERS}},
	{"ns::owner(std::unique_ptr<int>, const char *const *)", 0, {OWNER}},
	{"ns::owner(std::unique_ptr<int>, char const* const*)", 0, {OWNER}},
	{"ns::store<std::vector<std::string>>::put", 0, {PUT}},
	{"ns::store<std::vector<std::string>>::put(const std::vector<std::string>&)", 0, {PUT}},
	{"ns::store<std::wstring>::put", 0, {WPUT}},
	{"ns::store<std::string>::put", -ENOENT, {NULL}},
	{"ns::store::put(std::wstring const&)", 0, {WPUT}},
	{"ns::store::put", 0, {PUT, WPUT}},
	{"std::vector<int>::push_back", 0, {PUSH "(int const&)", PUSH "(int&&)"}},
	{"std::vector<int>::push_back(int&&)", 0, {PUSH "(int&&)"}},
	{"std::vector<int>::push_back(const int&)", 0, {PUSH "(int const&)"}},
	{"std::vector<int>::*push_back", 0, {PUSH "(int const&)", PUSH "(int&&)"}},

	{"ns::f", 0, {F_INT, F_DOUBLE}},
	{"ns::f(int)", 0, {F_INT}},
	{"ns::f(*)", 0, {F_INT, F_DOUBLE}},
	{"ns::f(", -ENOENT, {NULL}},
	{"ns::f*:mod:*names*", 0, {F_INT, F_DOUBLE}},
	{"ns::f:mod:*names*", 0, {F_INT, F_DOUBLE}},
	{"ns::f:mod:program", -ENOENT, {NULL}},
	{"ns::f(int):mod:*names*", 0, {F_INT}},
	{"shared::*", 0, {OWN, CXX_ONLY}},
	{"shared::*:mod:program", 0, {OWN}},
	{"ns::mod::f", 0, {MOD_F}},
	{"ns::mod::*:mod:*names*", 0, {MOD_F}},
	{"ns::mod::f(char*)", 0, {MOD_F}},
	{"ns::*::f", 0, {MOD_F}},
	{"ns::?", 0, {F_INT, F_DOUBLE}},
	{"ns::[fg]", 0, {F_INT, F_DOUBLE}},
	{"ns::[!g](double)", 0, {F_DOUBLE}},
	{"ns::(anonymous namespace)::hidden", 0, {HIDDEN}},
	{"ns::(anonymous namespace)::*", 0, {HIDDEN}},
	{"ns::(anonymous namespace)::hidden(int)", 0, {HIDDEN}},
	{"*(anonymous namespace)::hidden(double)", -ENOENT, {NULL}},
	{"ns::pick<int>", 0, {PICK}},
	{"ns::pick<*", 0, {PICK}},
	{"ns::pick<int>(int)", 0, {PICK}},
	{"unsigned long ns::pick<int>(int)", 0, {PICK}},
	{"ns::pick", 0, {PICK}},
	{"ns::pick(int)", 0, {PICK}},
	{"ns::pick<long>", -ENOENT, {NULL}},
	{"ns::text\\[abi:cxx11]", 0, {TEXT}},
	{"ns::text[abi:cxx11]", 0, {TEXT}},
	{"ns::text[abi:cxx11](int)", 0, {TEXT}},
	{"ns::text", 0, {TEXT}},
	{"ns::text(int)", 0, {TEXT}},
	{"ns::text(long)", -ENOENT, {NULL}},
	{"ns::tex", -ENOENT, {NULL}},
	{"ns::text*", 0, {TEXT}},
	{"ns::box::operator[]", 0, {INDEX}},
	{"ns::box::operator[](int)", 0, {INDEX}},
	{"ns::box::operator[", -EINVAL, {NULL}},
	{"*operator[]", -EINVAL, {NULL}},
	{"ns::box::operator()", 0, {CALL}},
	{"ns::box::operator()(int) const", 0, {CALL}},
	{"ns::box::operator()(int)", 0, {CALL}},
	{"ns::box::operator()(int) const noexcept", 0, {CALL}},
	{"ns::box::operator()(int) volatile", -ENOENT, {NULL}},
	{"ns::box::operator long", 0, {LONG}},
	{"ns::box::operator<", 0, {LESS}},
	{"ns::box::operator*", 0, {INDEX, CALL, LONG, LESS}},
	{"ns::box::get", 0, {GET}},
	{"ns::box::get()", 0, {GET}},
	{"ns::box::get() noexcept", 0, {GET}},
	{"ns::box::get() const", 0, {GET}},
	{"ns::outer", 0, {OUTER}},
	{"ns::outer(int)", 0, {OUTER}},
	{"ns::outer*", 0, {OUTER, INNER}},
	{"ns::outer(int)::{lambda(int)#1}::operator()", 0, {INNER}},
	{"*box const*::*", -ENOENT, {NULL}},
	{"std::vector::push_back", 0, {PUSH "(int const&)", PUSH "(int&&)"}},
	{"std::vector<int*>::push_back", 0, {PUSH "(int const&)", PUSH "(int&&)"}},
	{"global", -ENOENT, {NULL}},
	{"::global", 0, {"global(int)"}},
	{"global(int)", 0, {"global(int)"}},
	{"::plain", 0, {"plain"}},
	{"plain(int)", -ENOENT, {NULL}},
	{"::c_name:mod:program", 0, {"c_name"}},
	{"::", -EINVAL, {NULL}},
	{"!::", -EINVAL, {NULL}},
	{"_ZN2ns1f*", 0, {F_INT, F_DOUBLE}},
	{"_ZN2ns1f::*", -ENOENT, {NULL}},
};

struct matching {
	const struct step *step;
	unsigned int seen;
	int others;
};

static int match_step(const struct ftrace_site *site, void *data)
{
	struct matching *matching = data;

	for (int i = 0; i < 8 && matching->step->matches[i]; i++) {
		if (strcmp(matching->step->matches[i], site->display) == 0) {
			matching->seen |= 1u << i;
			return 0;
		}
	}
	dprintf(2, "%s matches %s\n", matching->step->pattern, site->display);
	matching->others++;
	return 0;
}

static void check_step(const struct step *step)
{
	struct ftrace_ops ops = OPS(count_hit);
	struct matching matching = {.step = step};
	unsigned long hits = 0;
	int expected = 0, result;

	ops.data = &hits;
	while (expected < 8 && step->matches[expected])
		expected++;
	result = filter(&ops, step->pattern);
	if (result == 0) {
		CHECK_EQ(ftrace_register_function(&ops), 0);
		CHECK_EQ(ftrace_for_each_site(match_step, &matching, FTRACE_SITES_ENABLED), 0);
		CHECK_EQ(ftrace_unregister_function(&ops), 0);
	}
	CHECK_EQ(ftrace_free_filter(&ops), 0);
	if (result != step->result || matching.seen != (1u << expected) - 1 || matching.others) {
		dprintf(2, "%s: expected %d, got %d, matches %#x\n", step->pattern, step->result,
			result, matching.seen);
		_exit(1);
	}
}

static void patterns(void)
{
	struct ftrace_ops ops = OPS(count_hit);
	int (*f)(int);
	unsigned long hits = 0;
	void *handle = open_plugin(PLUGIN);

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		check_step(steps + i);

	/* A long name can be shortened. */
	CHECK_EQ(filter(&ops, "ns::deep"), 0);
	CHECK_EQ(filter(&ops, "ns::deep<ns::two<*"), 0);
	CHECK_EQ(ftrace_set_filter(&ops, NULL, 0, 1), 0);

	/* Several in order, and what is left out. */
	ops.data = &hits;
	CHECK_EQ(filter(&ops, "ns::*"), 0);
	CHECK_EQ(filter(&ops, "!ns::f(int)"), 0);
	CHECK_EQ(ftrace_set_notrace(&ops, "ns::box::*", 0, 0), 0);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	CHECK_EQ(find_site("_ZN2ns1fEi").users, 0);
	CHECK_EQ(find_site("_ZN2ns1fEd").users, 1);
	CHECK_EQ(find_site("_ZNK2ns3box3getEv").users, 0);
	f = (int (*)(int))dlsym(handle, "_ZN2ns5outerEi");
	CHECK(f);
	CHECK_EQ(f(7), 7);
	CHECK_EQ(hits, 2);
	untrace(&ops);
}

/* Functions of an object that is opened later. */
static void later(void)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);
	void *handle = open_plugin(PLUGIN);

	trace(&ops, "shared::*");
	CHECK_EQ(find_site("_ZN6shared8cxx_onlyEi").users, 1);
	CHECK_EQ(find_site("_ZN6shared3ownEi").users, 1);
	CHECK_EQ(dlclose(handle), 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	for (int round = 0; round < 10; round++) {
		int (*function)(int);

		handle = open_plugin(PLUGIN);
		function = (int (*)(int))dlsym(handle, "_ZN6shared8cxx_onlyEi");
		CHECK(function);
		hits = 0;
		CHECK_EQ(function(1), 2);
		CHECK_EQ(hits, 0);
		CHECK_EQ(ftrace_update_sites(), 0);
		CHECK_EQ(function(1), 2);
		CHECK_EQ(hits, 1);
		CHECK_EQ(dlclose(handle), 0);
	}
	untrace(&ops);
}

/* How many functions of that name the program and the plug-in have that are traced. */
struct users {
	const char *name;
	int program, plugin;
};

static int users_step(const struct ftrace_site *site, void *data)
{
	struct users *users = data;

	if (strcmp(site->name, users->name) == 0)
		*(*site->object ? &users->plugin : &users->program) += site->users;
	return 0;
}

static void check_late(int plain, int program, int plugin)
{
	struct users of_plain = {"_ZN2ns5twice4lateEi", 0, 0};
	struct users of_const = {"_ZNK2ns5twice4lateEi", 0, 0};

	CHECK_EQ(ftrace_for_each_site(users_step, &of_plain, 0), 0);
	CHECK_EQ(ftrace_for_each_site(users_step, &of_const, 0), 0);
	CHECK_EQ(of_plain.program, 0);
	CHECK_EQ(of_plain.plugin, plain);
	CHECK_EQ(of_const.program, program);
	CHECK_EQ(of_const.plugin, plugin);
}

/* The full form of a name, and objects that have a function of just that name, or none. */
static void full(void)
{
	struct ftrace_ops ops = OPS(count_hit);
	unsigned long hits = 0;
	void *handle = open_plugin(PLUGIN);

	/* The C++ library stays. Nothing has the name: const may be left out. */
	ops.data = &hits;
	CHECK_EQ(dlclose(handle), 0);
	trace(&ops, "ns::twice::late(int)");
	check_late(0, 1, 0);
	/* In an object that has the name, the pattern selects nothing else. */
	handle = open_plugin(PLUGIN);
	CHECK_EQ(ftrace_update_sites(), 0);
	check_late(1, 1, 0);
	/* Set again, it is the full form, and stays that, whatever is opened and closed. */
	CHECK_EQ(ftrace_set_filter(&ops, "ns::twice::late(int)", 0, 1), 0);
	check_late(1, 0, 0);
	CHECK_EQ(ftrace_unregister_function(&ops), 0);
	CHECK_EQ(dlclose(handle), 0);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	check_late(0, 0, 0);
	handle = open_plugin(PLUGIN);
	CHECK_EQ(ftrace_update_sites(), 0);
	check_late(1, 0, 0);
	/* One of several patterns, also to exclude. */
	CHECK_EQ(ftrace_set_filter(&ops, "ns::twice::late(int) const", 0, 0), 0);
	check_late(1, 1, 1);
	CHECK_EQ(ftrace_set_notrace(&ops, "ns::twice::late(int)", 0, 0), 0);
	check_late(0, 1, 1);
	untrace(&ops);
	/* Of the program only, where it is not the full form. */
	trace(&ops, "ns::twice::late(int):mod:program");
	check_late(0, 1, 0);
	untrace(&ops);
	CHECK_EQ(dlclose(handle), 0);
}

/*
 * Another thread is opening the plug-in, and waits in the middle of its relocation:
 * in one of the two, the C++ library has not been relocated then, and must not be
 * called.
 */
static void *opens(void *path)
{
	return open_plugin(path);
}

static void opening(void)
{
	static const char *const waiting[] = {WAITING_FIRST, WAITING_LAST};
	int relocating[2], go_on[2], cases = 0;

	CHECK_EQ(pipe(relocating), 0);
	CHECK_EQ(pipe(go_on), 0);
	CHECK_EQ(dup2(relocating[1], FD_RELOCATING), FD_RELOCATING);
	CHECK_EQ(dup2(go_on[0], FD_GO_ON), FD_GO_ON);
	for (int i = 0; i < 2; i++) {
		pid_t child = fork();
		int status;

		CHECK(child >= 0);
		if (child == 0) {
			struct shown shown = {.name = "_ZN6shared3ownEi"};
			struct ftrace_ops ops = OPS(count_hit);
			pthread_t thread = start(opens, (void *)waiting[i]);
			bool early;
			char byte;

			CHECK_EQ(read(relocating[0], &byte, 1), 1);
			CHECK_EQ(ftrace_for_each_site(show_step, &shown, 0), 0);
			early = strcmp(shown.found, "shared::own(int)") == 0;
			CHECK(early || strcmp(shown.found, shown.name) == 0);
			CHECK_EQ(filter(&ops, "shared::own"), early ? 0 : -ENOENT);
			CHECK_EQ(write(go_on[1], "", 1), 1);
			join(thread);
			check_display("_ZN6shared3ownEi", "shared::own(int)");
			CHECK_EQ(filter(&ops, "shared::own"), 0);
			_exit(early ? 10 : 11);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) >= 10);
		cases |= 1 << (WEXITSTATUS(status) - 10);
	}
	if (cases != 3)
		skip("the loader relocates the C++ library at the same point in both");
}

/* Others open and close a plug-in and a demangler all the time. */
static int stop;

static void *opener(void *path)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		CHECK_EQ(dlclose(open_plugin(path)), 0);
	return NULL;
}

struct count {
	int shown, mangled;
};

static int count_step(const struct ftrace_site *site, void *data)
{
	struct count *count = data;

	if (strcmp(site->name, "_ZN6shared3ownEi") == 0) {
		count->shown += strcmp(site->display, "shared::own(int)") == 0;
		count->mangled += strcmp(site->display, site->name) == 0;
	}
	return 0;
}

/* Lists and filters for a second. */
static struct count list_while_opening(const char *path)
{
	uint64_t end = now_ns() + 1000000000ULL;
	pthread_t threads[2] = {start(opener, (void *)path), start(opener, (void *)path)};
	struct count count = {0, 0};
	int lists = 0;

	while (now_ns() < end) {
		struct ftrace_ops ops = OPS(count_hit);
		int ret = filter(&ops, "shared::own");

		CHECK(ret == 0 || ret == -ENOENT);
		CHECK_EQ(ftrace_for_each_site(count_step, &count, 0), 0);
		CHECK_EQ(ftrace_free_filter(&ops), 0);
		lists++;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	join(threads[0]);
	join(threads[1]);
	stop = 0;
	CHECK_EQ(count.shown + count.mangled, lists);
	return count;
}

static void contended(void)
{
	struct count count = list_while_opening(DEMANGLER);

	CHECK(count.shown > 0 && count.mangled > 0);
	count = list_while_opening(PLUGIN);
	CHECK(count.shown > 0);
}

/* What is taken is given back, on the host's heap as well. */
static int length_step(const struct ftrace_site *site, void *data)
{
	*(size_t *)data += strlen(site->display);
	return 0;
}

static size_t allocated(void)
{
#if __GLIBC_PREREQ(2, 33)
	return mallinfo2().uordblks;
#else
	return mallinfo().uordblks;
#endif
}

static void growth(void)
{
	struct ftrace_stats before = {0}, after;
	size_t first = 0, used = 0;
	int same = 0;

	open_plugin(PLUGIN);
	for (int round = 0; same < 300; round++) {
		struct ftrace_ops ops = OPS(count_hit);
		size_t length = 0;

		CHECK_EQ(ftrace_for_each_site(length_step, &length, 0), 0);
		CHECK(length > 1000 && (first == 0 || length == first));
		CHECK_EQ(filter(&ops, "ns::nobody"), -ENOENT);
		CHECK_EQ(filter(&ops, "std::*"), 0);
		CHECK_EQ(ftrace_free_filter(&ops), 0);
		if (round == 10) {
			first = length;
			before = stats();
		}
		same = allocated() == used ? same + 1 : 0;
		used = allocated();
		CHECK(round < 1000);
	}
	after = stats();
	CHECK_EQ(after.gc_collections, 0);
	CHECK_EQ(after.managed_bytes, before.managed_bytes);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"shown", shown},     {"gone", gone},		{"traced", traced},
		{"stack", stack},     {"patterns", patterns},	{"later", later},
		{"full", full},	      {"opening", opening}, {"contended", contended}, {"growth", growth},
		{NULL, NULL},
	};

	CHECK_EQ(own(1) + broken(1) + c_name(1) + long_name(1) + stars(1) + late(1) +
			 old_rust(1) + new_rust(1),
		 44);
	return run_mode(modes, argc, argv);
}
