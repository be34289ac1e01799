/*
 * libFuzzer looks for a mutator by its name among what it is linked with; a C# program
 * has none to offer, but a pointer.
 */
#include <stddef.h>
#include <stdint.h>

typedef size_t mutate_fn(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static mutate_fn *mutate;

void ftrace_fuzz_set_mutator(mutate_fn *fn)
{
	mutate = fn;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return mutate ? mutate(data, size, max_size, seed) : LLVMFuzzerMutate(data, size, max_size);
}
