/* SPDX-License-Identifier: MIT */
/* object_text.h - the executable memory of a shared object. */
#ifndef OBJECT_TEXT_H
#define OBJECT_TEXT_H

#include <link.h>
#include <stddef.h>

/* In: an address of the object in @start. Out: its executable segment. */
struct object_text {
	unsigned long start, end;
};

static inline int object_text_step(struct dl_phdr_info *info, size_t size, void *data)
{
	struct object_text *text = data;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		unsigned long start = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X &&
		    text->start - start < segment->p_memsz) {
			*text = (struct object_text){start, start + segment->p_memsz};
			return 1;
		}
	}
	return 0;
}

static inline struct object_text object_text(const void *address)
{
	struct object_text text = {(unsigned long)address, 0};

	dl_iterate_phdr(object_text_step, &text);
	return text;
}

#endif /* OBJECT_TEXT_H */
