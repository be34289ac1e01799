// SPDX-License-Identifier: MIT
//
// cxx.cpp - C++ functions of all kinds of names: a plug-in, and with PROGRAM a program
// that traces its own by the names that stand here.
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#define KEPT __attribute__((noipa, used))

// What names.c has in C under its mangled name.
namespace shared
{
KEPT int cxx_only(int x)
{
	return x + 1;
}
} // namespace shared

KEPT int global(int x)
{
	return x;
}

extern "C" {
KEPT int plain(int x)
{
	return x;
}
}

namespace ns
{
KEPT int f(int x)
{
	return x;
}

KEPT int f(double x)
{
	return static_cast<int>(x);
}

namespace
{
KEPT int hidden(int x)
{
	return x;
}
} // namespace

namespace mod
{
KEPT int f(char *)
{
	return 1;
}
} // namespace mod

// A result in front of its name.
template <class T> KEPT unsigned long pick(T x)
{
	return static_cast<unsigned long>(x);
}
template unsigned long pick<int>(int);

// An instance whose demangled name has more than 1,000 characters, but its symbol few.
template <class A, class B> struct two {
};
using two_1 = two<int, long>;
using two_2 = two<two_1, two_1>;
using two_3 = two<two_2, two_2>;
using two_4 = two<two_3, two_3>;
using two_5 = two<two_4, two_4>;
using two_6 = two<two_5, two_5>;
using two_7 = two<two_6, two_6>;
template <class T> KEPT int deep(T *)
{
	return 1;
}
template int deep(two_7 *);

// The name has an [abi:...] in it.
KEPT std::string text(int x)
{
	return std::to_string(x);
}

struct box {
	int value = 0;
	int get() const;
	int operator[](int x);
	int operator()(int x) const;
	operator long() const;
	bool operator<(const box &other) const;
	virtual ~box();
};

KEPT int box::get() const
{
	return value;
}

KEPT int box::operator[](int x)
{
	return x;
}

KEPT int box::operator()(int x) const
{
	return x;
}

KEPT box::operator long() const
{
	return value;
}

KEPT bool box::operator<(const box &other) const
{
	return value < other.value;
}

box::~box() = default;

// Names that are beginnings of others.
struct twice {
	int two(int x);
	int two(int x) const;
	int two(char *x);
	int two(char **x);
	int only(int x) const;
	int late(int x);
	int late(int x) const;
};

KEPT int twice::two(int x)
{
	return x;
}

KEPT int twice::two(int x) const
{
	return x;
}

KEPT int twice::two(char *)
{
	return 0;
}

KEPT int twice::two(char **)
{
	return 1;
}

KEPT int twice::only(int x) const
{
	return x;
}

KEPT int twice::late(int x)
{
	return x + 1;
}

KEPT int twice::late(int x) const
{
	return x + 2;
}

KEPT int over(int x)
{
	return x;
}

template <class T> KEPT int over(T x)
{
	return static_cast<int>(x);
}
template int over<int>(int);
template int over<long>(long);

// Types whose names are longer than what people write.
KEPT int words(const std::string &a, const std::vector<std::vector<std::string>> &b)
{
	return static_cast<int>(a.size() + b.size());
}

KEPT int maps(const std::map<int, std::string> &a, std::unordered_map<std::string, int> *b)
{
	return static_cast<int>(a.size() + b->size());
}

KEPT int sets(const std::set<int> &a)
{
	return static_cast<int>(a.size());
}

KEPT int sets(const std::set<int, std::greater<int>> &a)
{
	return static_cast<int>(a.size());
}

KEPT int owner(std::unique_ptr<int> a, const char *const *b)
{
	return *a + **b;
}

template <class T> struct store {
	int put(const T &x);
};

template <class T> KEPT int store<T>::put(const T &x)
{
	return static_cast<int>(x.size());
}
template struct store<std::vector<std::string>>;
template struct store<std::wstring>;

// A parameter list in the middle of a name.
KEPT int outer(int x)
{
	auto inner = [](int y) KEPT { return y; };

	return inner(x);
}
} // namespace ns

template class std::vector<int>;

#ifdef PROGRAM
#include <cstdio>
#include <cstring>
#include <ftrace/ftrace.h>

static unsigned long hits;

static void hit(unsigned long, unsigned long, ftrace_ops *, ftrace_regs *)
{
	hits++;
}

static int count_own(const ftrace_site *site, void *data)
{
	bool is_own = std::strcmp(site->display, "ns::f(int)") == 0;

	if (is_own && std::strcmp(site->name, "_ZN2ns1fEi") == 0 && site->users == 1)
		++*static_cast<int *>(data);
	return 0;
}

int main()
{
	ftrace_ops ops = {};
	int found = 0, error;

	ops.size = sizeof(ops);
	ops.func = hit;
	error = ftrace_set_filter(&ops, "ns::f", 0, 0);
	error = error ? error : ftrace_register_function(&ops);
	error = error ? error : ftrace_for_each_site(count_own, &found, FTRACE_SITES_ENABLED);
	ns::f(1);
	ns::f(1.5);
	ns::hidden(1);
	error = error ? error : ftrace_unregister_function(&ops);
	if (error == 0 && found == 1 && hits == 2)
		return 0;
	std::fprintf(stderr, "cxx.cpp: error %d, found %d, %lu hits\n", error, found, hits);
	return 1;
}
#endif
