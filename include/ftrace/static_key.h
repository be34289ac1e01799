/* SPDX-License-Identifier: MIT */
/*
 * ftrace/static_key.h - branches and calls that are changed by patching them.
 *
 * A static key is a condition that seldom changes. A branch on it reads no
 * memory and tests nothing: it is a 5-byte nop, or a jump, and when the key
 * changes every such place is patched.
 *
 *	static FTRACE_DEFINE_STATIC_KEY_FALSE(verbose);
 *
 *	if (ftrace_static_branch_unlikely(&verbose))
 *		print_it();
 *
 *	ftrace_static_branch_enable(&verbose);
 *
 * What stands there at the start follows from the key's type, true or false, and
 * from what is likely; nothing has to be patched for it:
 *
 *		 key	likely			unlikely
 *		 true	nop, then the block	jmp to the block
 *		 false	jmp around the block	nop, the block is elsewhere
 *
 * A static call is a call through a pointer that seldom changes: a direct call
 * of a direct jump, which is patched.
 *
 *	FTRACE_DEFINE_STATIC_CALL(hash, hash_generic);
 *
 *	h = ftrace_static_call(hash)(data, size);
 *
 *	ftrace_static_call_update(hash, hash_avx2);
 *
 * Branches are found in the program and in every shared object, by their section
 * ftrace_jump_table, which says where they are relative to itself: it costs no
 * relocation. The linker keeps an entry exactly if it keeps the code.
 *
 * For GCC 9 and Clang 11, or later; C11 and C++17; with any optimization. A key
 * and a static call belong to one object (the program or a shared object). In a
 * shared object a key is static, or declared in front of its definition, which
 * hides it; and the function that FTRACE_DEFINE_STATIC_CALL() names is static or
 * hidden. The compiler refuses others: "impossible constraint in asm".
 *
 * Changes are those of ftrace_patch_text() without options: all places at once or
 * none. Handlers that may run into one bracket themselves (ftrace/nmi.h).
 *
 * Source: include/linux/jump_label.h and include/linux/static_call.h of the kernel.
 */
#ifndef FTRACE_STATIC_KEY_H
#define FTRACE_STATIC_KEY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct ftrace_static_key - a key without a type
 * @enabled: how many want it on; not to be written by the program
 * @reserved: 0
 * @origin: the key of another object that this one stands for, or NULL
 */
struct ftrace_static_key {
	int enabled;
	int reserved;
	struct ftrace_static_key *origin;
};

/* A key whose branches the compiler lays out for true, whatever it is now. */
struct ftrace_static_key_true {
	struct ftrace_static_key key;
};

/* The same for false. */
struct ftrace_static_key_false {
	struct ftrace_static_key key;
};

/**
 * FTRACE_DEFINE_STATIC_KEY_TRUE, FTRACE_DEFINE_STATIC_KEY_FALSE - a key
 * @name: the variable; "static" may stand in front
 *
 * Source: DEFINE_STATIC_KEY_TRUE() in include/linux/jump_label.h.
 */
#define FTRACE_DEFINE_STATIC_KEY_TRUE(name)  struct ftrace_static_key_true name = {{1, 0, NULL}}
#define FTRACE_DEFINE_STATIC_KEY_FALSE(name) struct ftrace_static_key_false name = {{0, 0, NULL}}

/**
 * FTRACE_DECLARE_STATIC_KEY_TRUE, FTRACE_DECLARE_STATIC_KEY_FALSE - a key that
 * another file of the same object defines
 * @name: the variable
 */
#define FTRACE_DECLARE_STATIC_KEY_TRUE(name)                                                       \
	extern __attribute__((visibility("hidden"))) struct ftrace_static_key_true name
#define FTRACE_DECLARE_STATIC_KEY_FALSE(name)                                                      \
	extern __attribute__((visibility("hidden"))) struct ftrace_static_key_false name

/**
 * FTRACE_IMPORT_STATIC_KEY_TRUE, FTRACE_IMPORT_STATIC_KEY_FALSE - a key of
 * another object, under a name in this one
 * @name: a variable, defined here; "static" may stand in front
 * @other: the other object's struct ftrace_static_key, as in &its_key.key
 *
 * Branches on @name follow @other, and calls with @name change @other. The type
 * says how the branches are laid out. If @other has another value when the
 * object is opened, its branches change over when the next call of this header,
 * or ftrace_update_sites(), finds the object.
 */
#define FTRACE_IMPORT_STATIC_KEY_TRUE(name, other)                                                 \
	struct ftrace_static_key_true name = {{1, 0, other}}
#define FTRACE_IMPORT_STATIC_KEY_FALSE(name, other)                                                \
	struct ftrace_static_key_false name = {{0, 0, other}}

/* 1 for a pointer to a key of type true, 0 for false, a constant; no other has one. */
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
 * The place, and its entry: where it is, where it may jump, and the key, which is
 * aligned and has in bit 0 whether it is likely. The entry goes and stays with the
 * section of the code ("o"), and is in the same group of an inline function ("?").
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
		".balign 4\n\t"                                                                    \
		".long 1b - .\n\t"                                                                 \
		".long %l[ftrace_jump_] - .\n\t"                                                   \
		".long %c[key] + " #likely " - .\n\t"                                              \
		".popsection"                                                                      \
		:                                                                                  \
		: [is_true] "i"(FTRACE_STATIC_KEY_IS_TRUE_(x)), [key] "i"(&(x)->key)               \
		:                                                                                  \
		: ftrace_jump_)

#if defined(__clang__) && defined(__cplusplus) && __clang_major__ < 17
/* It takes the label of one statement expression for a target of the others' asm. */
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
 * Both work with both types of key; it is only about what is cheaper. Context: any;
 * a handler that may interrupt a change brackets itself.
 *
 * Source: static_branch_likely() in include/linux/jump_label.h.
 */
#define ftrace_static_branch_likely(x)	 FTRACE_STATIC_BRANCH_(x, 1)
#define ftrace_static_branch_unlikely(x) FTRACE_STATIC_BRANCH_(x, 0)

/**
 * ftrace_static_key_enable - turn a key on
 * @key: the key, without its type
 *
 * When it returns 0 every branch on the key, in every object, is as the key is.
 * If it is on already, by whatever count, that stays.
 *
 * Returns 0 or
 *   -EINVAL   @key is NULL or not aligned; or other bytes stand at a branch than
 *             should (reported to ftrace_set_print()'s function)
 *   -ENOENT   the file of the object that has @key cannot be read any more, or has
 *             no section headers: the branches are not known
 *   -ENOMEM   no memory for the tables
 *   -EAGAIN   an object's file cannot be read at the moment, because no file can be
 *             opened; or as in ftrace/trace.h, in the child of a bare clone()
 *   -EDEADLK  called from a handler, of a signal or a traced function's; inside a
 *             stop window; or after ftrace_arch_code_modify_prepare()
 *   and those of ftrace_patch_text()
 * Then the key and all branches are as before.
 *
 * Context: thread.
 * Source: static_key_enable() in kernel/jump_label.c.
 */
int ftrace_static_key_enable(struct ftrace_static_key *key);

/**
 * ftrace_static_key_disable - turn a key off
 * @key: the key, without its type
 *
 * Returns as ftrace_static_key_enable() and
 *   -EBUSY    the key is on by a count of 2 or more, which are for
 *             ftrace_static_key_slow_dec()
 *
 * Context: thread.
 * Source: static_key_disable() in kernel/jump_label.c.
 */
int ftrace_static_key_disable(struct ftrace_static_key *key);

/**
 * ftrace_static_key_slow_inc - one more wants a key on
 * @key: the key, without its type
 *
 * The branches change if it was the first.
 *
 * Returns as ftrace_static_key_enable() and
 *   -EOVERFLOW  2,147,483,647 want it on
 *
 * Context: thread.
 * Source: static_key_slow_inc() in kernel/jump_label.c.
 */
int ftrace_static_key_slow_inc(struct ftrace_static_key *key);

/**
 * ftrace_static_key_slow_dec - one less wants a key on
 * @key: the key, without its type
 *
 * The branches change if it was the last.
 *
 * Returns as ftrace_static_key_enable() and
 *   -EINVAL   the key is off
 *
 * Context: thread.
 * Source: static_key_slow_dec() in kernel/jump_label.c.
 */
int ftrace_static_key_slow_dec(struct ftrace_static_key *key);

/**
 * ftrace_static_key_count - how many want a key on
 * @key: the key, without its type
 *
 * While another thread changes the key: what it was before.
 *
 * Context: any.
 * Source: static_key_count() in include/linux/jump_label.h.
 */
static inline int ftrace_static_key_count(const struct ftrace_static_key *key)
{
	return __atomic_load_n(key->origin ? &key->origin->enabled : &key->enabled,
			       __ATOMIC_RELAXED);
}

/* The same for keys with a type. Source: static_branch_inc() and others, likewise. */
#define ftrace_static_branch_enable(x)	ftrace_static_key_enable(&(x)->key)
#define ftrace_static_branch_disable(x) ftrace_static_key_disable(&(x)->key)
#define ftrace_static_branch_inc(x)	ftrace_static_key_slow_inc(&(x)->key)
#define ftrace_static_branch_dec(x)	ftrace_static_key_slow_dec(&(x)->key)
#define ftrace_static_branch_count(x)	ftrace_static_key_count(&(x)->key)
#define ftrace_static_key_enabled(x)	(ftrace_static_key_count(&(x)->key) > 0)

/**
 * struct ftrace_static_call_key - a static call
 * @trampoline: the jump that is patched
 * @displacement: what it has, once it was changed
 * @changed: not 0: it was
 */
struct ftrace_static_call_key {
	void (*trampoline)(void);
	int displacement;
	int changed;
};

#define FTRACE_STATIC_CALL_SYMBOL_(name) "ftrace_call_tramp_" #name

/**
 * FTRACE_DECLARE_STATIC_CALL - a static call that another file of the same object
 * defines
 * @name: its name; there is no variable of this name
 * @func: a function of its type, or the type
 *
 * Source: DECLARE_STATIC_CALL() in include/linux/static_call.h.
 */
#define FTRACE_DECLARE_STATIC_CALL(name, func)                                                     \
	extern __attribute__((                                                                     \
		visibility("hidden"))) struct ftrace_static_call_key ftrace_call_key_##name;       \
	extern __attribute__((visibility("hidden"))) __typeof__(func)                              \
		ftrace_call_tramp_##name __asm__(FTRACE_STATIC_CALL_SYMBOL_(name))

/* The jump; what it jumps to if there is no function; what the jump was at the start. */
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
	".size " symbol ", . - " symbol "\n\t"                                                     \
	".popsection"

/* In a function that nobody calls, because only there asm has operands. */
#define FTRACE_DEFINE_STATIC_CALL_(name, func, displacement, again, operand)                       \
	FTRACE_DECLARE_STATIC_CALL(name, func);                                                    \
	__attribute__((used)) static void ftrace_call_definition_##name(void)                      \
	{                                                                                          \
		__asm__ __volatile__(FTRACE_STATIC_CALL_ASM_(FTRACE_STATIC_CALL_SYMBOL_(name),     \
							     displacement, again)                  \
				     :                                                             \
				     : operand);                                                   \
	}                                                                                          \
	struct ftrace_static_call_key ftrace_call_key_##name = {                                   \
		(void (*)(void))ftrace_call_tramp_##name, 0, 0}

/**
 * FTRACE_DEFINE_STATIC_CALL - a static call
 * @name: its name, one of its kind in the object
 * @func: what is called at first
 *
 * Source: DEFINE_STATIC_CALL() in include/linux/static_call.h.
 */
#define FTRACE_DEFINE_STATIC_CALL(name, func)                                                      \
	FTRACE_DEFINE_STATIC_CALL_(name, func, "%c0 - . - 4", "%c0 - . + 11", "i"(func))

/**
 * FTRACE_DEFINE_STATIC_CALL_NULL - a static call that calls nothing at first
 * @name: its name, one of its kind in the object
 * @type: a function of its type, or the type
 *
 * Such a call does nothing and returns 0: of an integer, pointer or floating type
 * or of a structure in registers, but not of long double or a larger structure.
 *
 * Source: DEFINE_STATIC_CALL_NULL(), DEFINE_STATIC_CALL_RET0(), likewise.
 */
#define FTRACE_DEFINE_STATIC_CALL_NULL(name, type)                                                 \
	FTRACE_DEFINE_STATIC_CALL_(name, type, "3", "3", "i"(0))

/**
 * ftrace_static_call - the function to call: ftrace_static_call(name)(args...)
 * @name: of a static call
 *
 * Source: static_call() in include/linux/static_call_types.h.
 */
#define ftrace_static_call(name) ftrace_call_tramp_##name

/**
 * ftrace_static_call_update - call another function from now on
 * @name: of a static call
 * @func: the function, of the same type; NULL: none, as above
 *
 * Calls that have begun go on in the old function.
 *
 * Returns 0 or
 *   -EINVAL   other bytes stand there than should
 *   -ERANGE   @func cannot be reached with a signed 32-bit displacement
 *   -EDEADLK  as for ftrace_static_key_enable()
 *   and those of ftrace_patch_text()
 * Then it calls what it called before.
 *
 * Context: thread.
 * Source: static_call_update() in include/linux/static_call.h.
 */
#define ftrace_static_call_update(name, func)                                                      \
	__extension__({                                                                            \
		__typeof__(&ftrace_call_tramp_##name) ftrace_func_ = (func);                       \
		ftrace_static_call_key_update(&ftrace_call_key_##name,                             \
					      (unsigned long)ftrace_func_);                        \
	})

/**
 * ftrace_static_call_key_update - the same, without a check of the type
 * @key: the static call
 * @func: address of the function, or 0
 *
 * Returns as ftrace_static_call_update() and
 *   -EINVAL   @key is NULL or not aligned, or has no trampoline
 *
 * Context: thread.
 */
int ftrace_static_call_key_update(struct ftrace_static_call_key *key, unsigned long func);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_STATIC_KEY_H */
