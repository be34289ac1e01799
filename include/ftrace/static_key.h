/* SPDX-License-Identifier: MIT */
/*
 * ftrace/static_key.h - branches and calls that are changed by patching them.
 *
 * Use this header for conditions and function pointers that are read often and change
 * seldom. Do not use it for conditions that change many times a second: each change
 * stops all other threads.
 *
 * A static key is such a condition. A branch on it reads no memory and tests nothing:
 * it is a 5-byte nop or a jump. When the key changes, every branch on it is patched.
 *
 *	static FTRACE_DEFINE_STATIC_KEY_FALSE(verbose);
 *
 *	if (ftrace_static_branch_unlikely(&verbose))
 *		print_it();
 *
 *	ftrace_static_branch_enable(&verbose);
 *
 * The type of the key, true or false, and likely or unlikely determine the initial
 * code, so nothing has to be patched at the start:
 *
 *		 key	likely			unlikely
 *		 true	nop, then the block	jmp to the block
 *		 false	jmp around the block	nop, the block is elsewhere
 *
 * A static call replaces a call through a function pointer that seldom changes. It is
 * a direct call of a direct jump, and the jump is patched.
 *
 *	FTRACE_DEFINE_STATIC_CALL(hash, hash_generic);
 *
 *	h = ftrace_static_call(hash)(data, size);
 *
 *	ftrace_static_call_update(hash, hash_avx2);
 *
 * The library finds branches in the program and in every shared object, in the section
 * ftrace_jump_table. Its entries are relative to themselves, so they need no relocation
 * at run time. The linker keeps an entry if it keeps the code of the branch, and does not
 * fold functions that are identical but for the keys or static calls in them. This holds
 * for GNU ld, gold, lld and mold, with --gc-sections, --icf=all, -r, and link-time
 * optimization. Objects compiled with the header of version 1.0 lack what this takes. Of
 * these, gold with --gc-sections drops all entries; so does GNU ld with -r followed by
 * --gc-sections if Clang compiled them. And --icf=all folds such functions, so that a
 * change of one key or static call changes another too. Compile them again.
 *
 * The header works with GCC 9 and Clang 11, or later, in C11 and C++17, at any
 * optimization level. A key or a static call belongs to one object (the program or a
 * shared object). In a shared object, a key must be static, or must be declared with
 * FTRACE_DECLARE_STATIC_KEY_TRUE() or _FALSE() before its definition, which makes it
 * hidden; and the function that FTRACE_DEFINE_STATIC_CALL() names must be static or
 * hidden. Otherwise the compiler fails with "impossible constraint in asm".
 *
 * A change works like ftrace_patch_text() without options: all locations change, or none.
 * A signal handler that may execute one while it changes must have the bracket of
 * ftrace/nmi.h.
 *
 * Source: include/linux/jump_label.h and include/linux/static_call.h of the kernel.
 */
#ifndef FTRACE_STATIC_KEY_H
#define FTRACE_STATIC_KEY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct ftrace_static_key - a key without a type
 * @enabled: the count of the key; the program must not write it
 * @reserved: 1; 0 if the key was compiled with the header of version 1.0
 * @origin: the key of another object that this key is a name for, or NULL
 */
struct ftrace_static_key {
	int enabled;
	int reserved;
	struct ftrace_static_key *origin;
};

/**
 * struct ftrace_static_key_true, struct ftrace_static_key_false - keys with a type
 * @key: the key
 *
 * The type says for which value the compiler lays out the branches, whatever the present
 * value of the key is. Define such keys with FTRACE_DEFINE_STATIC_KEY_TRUE() and
 * FTRACE_DEFINE_STATIC_KEY_FALSE().
 */
struct ftrace_static_key_true {
	struct ftrace_static_key key;
};
struct ftrace_static_key_false {
	struct ftrace_static_key key;
};

/**
 * FTRACE_DEFINE_STATIC_KEY_TRUE, FTRACE_DEFINE_STATIC_KEY_FALSE - define a key
 * @name: the variable; "static" may precede the macro
 *
 * The key is on, or off, at first. ftrace_static_branch_likely() and
 * ftrace_static_branch_unlikely() test it; ftrace_static_branch_enable() and others change
 * it.
 *
 * Source: DEFINE_STATIC_KEY_TRUE() in include/linux/jump_label.h.
 */
#define FTRACE_DEFINE_STATIC_KEY_TRUE(name)  struct ftrace_static_key_true name = {{1, 1, NULL}}
#define FTRACE_DEFINE_STATIC_KEY_FALSE(name) struct ftrace_static_key_false name = {{0, 1, NULL}}

/**
 * FTRACE_DECLARE_STATIC_KEY_TRUE, FTRACE_DECLARE_STATIC_KEY_FALSE - declare a key
 * that another file of the same object defines
 * @name: the variable
 *
 * In a shared object the declaration must precede the definition, unless the key is static.
 *
 * Source: DECLARE_STATIC_KEY_TRUE() in include/linux/jump_label.h.
 */
#define FTRACE_DECLARE_STATIC_KEY_TRUE(name)                                                       \
	extern __attribute__((visibility("hidden"))) struct ftrace_static_key_true name
#define FTRACE_DECLARE_STATIC_KEY_FALSE(name)                                                      \
	extern __attribute__((visibility("hidden"))) struct ftrace_static_key_false name

/**
 * FTRACE_IMPORT_STATIC_KEY_TRUE, FTRACE_IMPORT_STATIC_KEY_FALSE - define a name for
 * a key of another object
 * @name: a variable, defined here; "static" may precede the macro
 * @other: the other object's struct ftrace_static_key, as in &its_key.key
 *
 * Branches on @name follow @other, and calls with @name change @other. The type
 * determines how the branches are laid out. If @other has a different value when this
 * object is opened, the next call of this header, or of ftrace_update_sites(), changes
 * the branches.
 */
#define FTRACE_IMPORT_STATIC_KEY_TRUE(name, other)                                                 \
	struct ftrace_static_key_true name = {{1, 1, other}}
#define FTRACE_IMPORT_STATIC_KEY_FALSE(name, other)                                                \
	struct ftrace_static_key_false name = {{0, 1, other}}

/* A constant: 1 for a pointer to a key of type true, 0 for false; an error for others. */
#ifdef __cplusplus
extern "C++" {
char (&ftrace_static_key_size_(const struct ftrace_static_key_true *))[2];
char (&ftrace_static_key_size_(const struct ftrace_static_key_false *))[1];
}
#define FTRACE_STATIC_KEY_IS_TRUE_(x) (sizeof(ftrace_static_key_size_(x)) - 1)
#else
#define FTRACE_STATIC_KEY_IS_TRUE_(x)                                                              \
	_Generic((x), struct ftrace_static_key_true * : 1, struct ftrace_static_key_false * : 0)
#endif

/*
 * The branch, and its entry in the table: the address of the branch, the target of its
 * jump, and the key, whose bit 0, free because keys are aligned, says likely. The linker
 * keeps or drops the entry together with the section of the code ("o"), and puts it into
 * the same group for an inline function ("?"). The empty relocation makes the code refer
 * to the entry: for gold, which ignores "o" when it collects garbage, and for linkers that
 * fold identical functions, because no two functions refer to the same entry.
 */
#define FTRACE_STATIC_BRANCH_ASM_(x, likely)                                                       \
	__asm__ __inline__ goto(                                                                   \
		"1:\n\t"                                                                           \
		".if %c[is_true] ^ " #likely "\n\t"                                                \
		".byte 0xe9\n\t"                                                                   \
		".long %l[ftrace_jump_] - 1b - 5\n\t"                                              \
		".else\n\t"                                                                        \
		".byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"                                           \
		".endif\n"                                                                         \
		".Lftrace_branch%=:\n\t"                                                           \
		".pushsection ftrace_jump_table, \"ao?\", @progbits, "                             \
		".Lftrace_branch%=\n\t"                                                            \
		".balign 4\n"                                                                      \
		".Lftrace_entry%=:\n\t"                                                            \
		".long 1b - .\n\t"                                                                 \
		".long %l[ftrace_jump_] - .\n\t"                                                   \
		".long %c[key] + " #likely " - .\n\t"                                              \
		".popsection\n\t"                                                                  \
		".reloc 1b, R_X86_64_NONE, .Lftrace_entry%="                                       \
		:                                                                                  \
		: [is_true] "i"(FTRACE_STATIC_KEY_IS_TRUE_(x)), [key] "i"(&(x)->key)               \
		:                                                                                  \
		: ftrace_jump_)

#if defined(__clang__) && defined(__cplusplus) && __clang_major__ < 17
/* This compiler mistakes the label of one statement expression for a target of another's asm. */
#define FTRACE_STATIC_BRANCH_(x, likely)                                                           \
	(__builtin_expect(                                                                         \
		 []() __attribute__((always_inline))->int {                                        \
			 __label__ ftrace_jump_;                                                   \
			 FTRACE_STATIC_BRANCH_ASM_(x, likely);                                     \
			 return likely;                                                            \
		 ftrace_jump_:                                                                     \
			 return !likely;                                                           \
		 }(),                                                                              \
		 likely) != 0)
#else
#define FTRACE_STATIC_BRANCH_(x, likely)                                                           \
	__extension__({                                                                            \
		__label__ ftrace_jump_;                                                            \
		int ftrace_on_ = likely;                                                           \
		FTRACE_STATIC_BRANCH_ASM_(x, likely);                                              \
		if (0) {                                                                           \
		ftrace_jump_:                                                                      \
			ftrace_on_ = !likely;                                                      \
		}                                                                                  \
		__builtin_expect(ftrace_on_, likely) != 0;                                         \
	})
#endif

/**
 * ftrace_static_branch_likely, ftrace_static_branch_unlikely - true if a key is on
 * @x: address of a key with a type, a constant
 *
 * Both work with both types of key and differ in cost only: the code of the block after
 * ftrace_static_branch_unlikely() is elsewhere, and costs a jump if the key is on.
 *
 * Context: any; a signal handler that may interrupt a change must have the bracket
 * (ftrace/nmi.h).
 * Source: static_branch_likely() in include/linux/jump_label.h.
 */
#define ftrace_static_branch_likely(x)	 FTRACE_STATIC_BRANCH_(x, 1)
#define ftrace_static_branch_unlikely(x) FTRACE_STATIC_BRANCH_(x, 0)

/**
 * ftrace_static_key_enable - turn a key on
 * @key: the key, without its type
 *
 * When this function has returned 0, every branch on the key, in every object, matches
 * the key. If the key is already on, its count does not change.
 *
 * Returns 0 or
 *   -EINVAL   @key is NULL or not aligned; or a branch holds unexpected bytes, which
 *             are reported to the function that ftrace_set_print() set
 *   -ENOENT   the branches are not known, because the file of the object that defines
 *             @key can no longer be read, or has no section headers; or because gold has
 *             linked objects that were compiled with the header of version 1.0, and no
 *             branch on @key is left
 *   -ENOMEM   no memory for the tables
 *   -EAGAIN   an object's file cannot be read now, because the process can open no
 *             file; or, as in ftrace/trace.h, this is the child of a bare clone()
 *   -EDEADLK  called from a signal handler, or from the handler of a traced function;
 *             inside a stop window; or after ftrace_arch_code_modify_prepare()
 *   and the errors of ftrace_patch_text()
 * After an error the key and all branches are as before.
 *
 * Context: thread.
 * Source: static_key_enable() in kernel/jump_label.c.
 */
int ftrace_static_key_enable(struct ftrace_static_key *key);

/**
 * ftrace_static_key_disable - turn a key off
 * @key: the key, without its type
 *
 * Returns the same as ftrace_static_key_enable(), or
 *   -EBUSY    the count of the key is 2 or more; use ftrace_static_key_slow_dec()
 *
 * Context: thread.
 * Source: static_key_disable() in kernel/jump_label.c.
 */
int ftrace_static_key_disable(struct ftrace_static_key *key);

/**
 * ftrace_static_key_slow_inc - increment the count of a key
 * @key: the key, without its type
 *
 * If the count was 0, the key is turned on and its branches change.
 *
 * Returns the same as ftrace_static_key_enable(), or
 *   -EOVERFLOW  the count is 2,147,483,647
 *
 * Context: thread.
 * Source: static_key_slow_inc() in kernel/jump_label.c.
 */
int ftrace_static_key_slow_inc(struct ftrace_static_key *key);

/**
 * ftrace_static_key_slow_dec - decrement the count of a key
 * @key: the key, without its type
 *
 * If the count becomes 0, the key is turned off and its branches change.
 *
 * Returns the same as ftrace_static_key_enable(), or
 *   -EINVAL   the key is off
 *
 * Context: thread.
 * Source: static_key_slow_dec() in kernel/jump_label.c.
 */
int ftrace_static_key_slow_dec(struct ftrace_static_key *key);

/**
 * ftrace_static_key_count - get the count of a key
 * @key: the key, without its type
 *
 * Returns the count: 0 if the key is off. While another thread changes the key, it is the
 * count before the change.
 *
 * Context: any.
 * Source: static_key_count() in include/linux/jump_label.h.
 */
static inline int ftrace_static_key_count(const struct ftrace_static_key *key)
{
	return __atomic_load_n(key->origin ? &key->origin->enabled : &key->enabled,
			       __ATOMIC_RELAXED);
}

/**
 * ftrace_static_branch_enable, ftrace_static_branch_disable, ftrace_static_branch_inc,
 * ftrace_static_branch_dec, ftrace_static_branch_count, ftrace_static_key_enabled - change
 * and read a key with a type
 * @x: address of the key
 *
 * The same as ftrace_static_key_enable(), ftrace_static_key_disable(),
 * ftrace_static_key_slow_inc(), ftrace_static_key_slow_dec() and ftrace_static_key_count()
 * for a key with a type, whatever the type is. ftrace_static_key_enabled() is true if the
 * count is not 0.
 *
 * Returns what that function returns.
 *
 * Context: thread; for ftrace_static_branch_count() and ftrace_static_key_enabled() any.
 * Source: static_branch_enable() and others, in include/linux/jump_label.h.
 */
#define ftrace_static_branch_enable(x)	ftrace_static_key_enable(&(x)->key)
#define ftrace_static_branch_disable(x) ftrace_static_key_disable(&(x)->key)
#define ftrace_static_branch_inc(x)	ftrace_static_key_slow_inc(&(x)->key)
#define ftrace_static_branch_dec(x)	ftrace_static_key_slow_dec(&(x)->key)
#define ftrace_static_branch_count(x)	ftrace_static_key_count(&(x)->key)
#define ftrace_static_key_enabled(x)	(ftrace_static_key_count(&(x)->key) > 0)

/**
 * struct ftrace_static_call_key - a static call
 * @trampoline: the jump that is patched
 * @displacement: the present displacement of the jump, if it was changed
 * @changed: not 0: the jump was changed
 */
struct ftrace_static_call_key {
	void (*trampoline)(void);
	int displacement;
	int changed;
};

#define FTRACE_STATIC_CALL_SYMBOL_(name) "ftrace_call_tramp_" #name

/**
 * FTRACE_DECLARE_STATIC_CALL - declare a static call that another file of the same
 * object defines
 * @name: the name of the static call; no variable has this name
 * @func: a function of the right type, or the type
 *
 * The definition is FTRACE_DEFINE_STATIC_CALL() or FTRACE_DEFINE_STATIC_CALL_NULL(), in one
 * file of the object.
 *
 * Source: DECLARE_STATIC_CALL() in include/linux/static_call.h.
 */
#define FTRACE_DECLARE_STATIC_CALL(name, func)                                                     \
	extern __attribute__((                                                                     \
		visibility("hidden"))) struct ftrace_static_call_key ftrace_call_key_##name;       \
	extern __attribute__((visibility("hidden"))) __typeof__(func)                              \
		ftrace_call_tramp_##name __asm__(FTRACE_STATIC_CALL_SYMBOL_(name))

/*
 * The jump; the code it jumps to if there is no function; the initial displacement. The
 * empty relocation distinguishes it from other static calls of the same function, with
 * which a linker would otherwise fold it.
 */
#define FTRACE_STATIC_CALL_ASM_(symbol, displacement, again)                                       \
	".pushsection .text." symbol ", \"ax\", @progbits\n\t"                                     \
	".balign 16\n\t"                                                                           \
	".globl " symbol "\n\t"                                                                    \
	".hidden " symbol "\n\t"                                                                   \
	".type " symbol ", @function\n" symbol ":\n\t"                                             \
	".byte 0xe9\n\t"                                                                           \
	".long " displacement "\n\t"                                                               \
	".byte 0xcc, 0xcc, 0xcc\n\t"                                                               \
	"xorl %%eax, %%eax\n\t"                                                                    \
	"xorl %%edx, %%edx\n\t"                                                                    \
	"xorps %%xmm0, %%xmm0\n\t"                                                                 \
	"ret\n\t"                                                                                  \
	".long " again "\n\t"                                                                      \
	".reloc " symbol ", R_X86_64_NONE, %c[key]\n\t"                                            \
	".size " symbol ", . - " symbol "\n\t"                                                     \
	".popsection"

/* In a function that is never called, because asm outside of functions has no operands. */
#define FTRACE_DEFINE_STATIC_CALL_(name, func, displacement, again, operand)                       \
	FTRACE_DECLARE_STATIC_CALL(name, func);                                                    \
	__attribute__((used)) static void ftrace_call_definition_##name(void)                      \
	{                                                                                          \
		__asm__ __volatile__(FTRACE_STATIC_CALL_ASM_(FTRACE_STATIC_CALL_SYMBOL_(name),     \
							     displacement, again)                  \
				     :                                                             \
				     : operand, [key] "i"(&ftrace_call_key_##name));               \
	}                                                                                          \
	struct ftrace_static_call_key ftrace_call_key_##name = {                                   \
		(void (*)(void))ftrace_call_tramp_##name, 0, 0}

/**
 * FTRACE_DEFINE_STATIC_CALL - define a static call
 * @name: the name of the static call, unique in the object
 * @func: the function that it calls at first
 *
 * ftrace_static_call() calls it, and ftrace_static_call_update() changes the function. In a
 * shared object @func must be static or hidden.
 *
 * Source: DEFINE_STATIC_CALL() in include/linux/static_call.h.
 */
#define FTRACE_DEFINE_STATIC_CALL(name, func)                                                      \
	FTRACE_DEFINE_STATIC_CALL_(name, func, "%c0 - . - 4", "%c0 - . + 11", "i"(func))

/**
 * FTRACE_DEFINE_STATIC_CALL_NULL - define a static call that calls nothing at first
 * @name: the name of the static call, unique in the object
 * @type: a function of the right type, or the type
 *
 * Such a call does nothing and returns 0. The return type can be an integer, pointer or
 * floating-point type, or a structure that is returned in registers, but not long double
 * or a larger structure.
 *
 * Source: DEFINE_STATIC_CALL_NULL(), DEFINE_STATIC_CALL_RET0(), in the same header.
 */
#define FTRACE_DEFINE_STATIC_CALL_NULL(name, type)                                                 \
	FTRACE_DEFINE_STATIC_CALL_(name, type, "3", "3", "i"(0))

/**
 * ftrace_static_call - make a static call: ftrace_static_call(name)(args...)
 * @name: the name of the static call
 *
 * It is a direct call, of the type of the function, of a direct jump to the function.
 *
 * Context: any; a signal handler that may interrupt a change must have the bracket
 * (ftrace/nmi.h).
 * Source: static_call() in include/linux/static_call_types.h.
 */
#define ftrace_static_call(name) ftrace_call_tramp_##name

/**
 * ftrace_static_call_update - change the function that a static call calls
 * @name: the name of the static call
 * @func: a function of the same type; NULL: call nothing and return 0, as for
 *	FTRACE_DEFINE_STATIC_CALL_NULL()
 *
 * Calls that have already begun continue in the old function.
 *
 * Returns 0 or
 *   -EINVAL   the jump holds unexpected bytes
 *   -ERANGE   @func cannot be reached with a signed 32-bit displacement
 *   -EDEADLK  as for ftrace_static_key_enable()
 *   and the errors of ftrace_patch_text()
 * After an error the static call calls the same function as before.
 *
 * Context: thread.
 * Source: static_call_update() in include/linux/static_call.h.
 */
#define ftrace_static_call_update(name, func)                                                      \
	__extension__({                                                                            \
		__typeof__(&ftrace_call_tramp_##name) ftrace_func_ = (func);                       \
		ftrace_static_call_key_update(&ftrace_call_key_##name,                             \
					      (uintptr_t)ftrace_func_);                        \
	})

/**
 * ftrace_static_call_key_update - change the function that a static call calls, without a
 * type check
 * @key: the static call
 * @func: address of the function, or 0
 *
 * Returns the same as ftrace_static_call_update(), or
 *   -EINVAL   @key is NULL or not aligned, or has no trampoline
 *
 * Context: thread.
 */
int ftrace_static_call_key_update(struct ftrace_static_call_key *key, uintptr_t func);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_STATIC_KEY_H */
