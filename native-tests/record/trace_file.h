/* SPDX-License-Identifier: MIT */
/*
 * trace_file.h - reads trace files, by the rules of docs/trace-format.md and nothing else.
 *
 *	struct trace_file file;
 *	struct trace_event event;
 *	struct trace_record record;
 *
 *	open_trace(&file, path);
 *	CHECK_EQ(check_trace(&file), NULL);
 *	while (next_event(&file, &event))
 *		...
 *	while (next_record(&file, &record))
 *		...
 *	close_trace(&file);
 *
 * The events of each thread come in their order, one thread after the other; first_event() and
 * first_record() begin again. The memory is a copy of the file that the test may change.
 */
#ifndef TRACE_FILE_H
#define TRACE_FILE_H

#include "../test.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct trace_header {
	char magic[8];
	uint32_t version, byte_order, block_size, flags;
	uint64_t blocks;
	uint32_t pid, state;
	uint64_t start[3], latest[3]; /* time, CLOCK_MONOTONIC, CLOCK_REALTIME */
	uint64_t lost;
	uint32_t library, reserved;
};

enum { TRACE_RECORDING = 1, TRACE_FINISHED, TRACE_SNAPSHOT };
enum { TRACE_IS_TSC = 1, TRACE_IS_STREAMED }; /* flags */

struct trace_block {
	uint32_t magic;
	uint16_t type, reserved;
	uint64_t sequence;
	uint32_t thread, tid;
	uint64_t lost;
	uint32_t used;
	uint32_t reserved_too;
	uint64_t first;
	uint32_t reserved_last[4];
};

enum { TRACE_EVENTS = 1, TRACE_INFORMATION };

struct trace_unit {
	uint64_t when, what;
};

/* The kinds of the format; and calls. */
enum trace_kind {
	TRACE_ENTRY,
	TRACE_PADDING,
	TRACE_END,
	TRACE_MARK,
	TRACE_SAMPLE,
	TRACE_FUNCTION,
	TRACE_LOST,
	TRACE_SWITCHED,
	TRACE_EXIT = 16,
};

#define TRACE_MAX_DATA (255 * 15)

/*
 * struct trace_event - an event that is valid
 * @call: the number of the call, of TRACE_ENTRY, TRACE_EXIT and TRACE_END
 * @argument: an address, or what the kind has
 * @size: of @data: all that the units have, so more than the event needs
 */
struct trace_event {
	const struct trace_block *block;
	struct trace_unit *unit;
	enum trace_kind kind;
	unsigned int call;
	uint64_t time, argument;
	unsigned int size;
	unsigned char data[TRACE_MAX_DATA + 1];
};

enum trace_record_kind {
	TRACE_PROCESS = 1,
	TRACE_CLOCK,
	TRACE_OBJECT,
	TRACE_OBJECT_CLOSED,
	TRACE_SYMBOLS,
	TRACE_THREAD,
	TRACE_THREAD_ENDED,
	TRACE_OPTIONS,
	TRACE_LOST_UNITS,
	TRACE_SNAPSHOT_TAKEN,
	TRACE_OTHER_SYMBOLS,
};

/* A record of information; @size and @data without its header. */
struct trace_record {
	enum trace_record_kind kind;
	unsigned int size;
	const unsigned char *data;
};

/*
 * struct trace_file - a file, and where its reader is
 * @goes_on: set for a process that was finished by exit(3) while threads, or other destructors, went on: events may
 *           be later than the end
 */
struct trace_file {
	unsigned char *bytes;
	size_t size;
	const struct trace_header *header;
	struct trace_block **blocks; /* of events, by thread and sequence number */
	struct trace_block **information;
	unsigned int block_count, information_count;
	unsigned int units; /* in a block */
	/* where next_event() and next_record() are */
	unsigned int block, unit, next_unit;
	unsigned int information_block, record_offset;
	bool goes_on;
	char fault[160];
};

static inline int compare_blocks(const void *a, const void *b)
{
	const struct trace_block *left = *(struct trace_block *const *)a, *right = *(struct trace_block *const *)b;

	if (left->thread != right->thread)
		return left->thread < right->thread ? -1 : 1;
	return left->sequence < right->sequence ? -1 : left->sequence > right->sequence;
}

static inline void first_event(struct trace_file *file)
{
	file->block = 0;
	file->unit = 0;
	file->next_unit = 0;
}

static inline void first_record(struct trace_file *file)
{
	file->information_block = 0;
	file->record_offset = sizeof(struct trace_block);
}

static inline bool is_block(const struct trace_block *block, unsigned int type)
{
	return block->magic == 0x4b425446 && block->type == type && block->sequence;
}

static inline struct trace_unit *units_of(struct trace_block *block)
{
	return (struct trace_unit *)(block + 1);
}

static inline bool is_written(const struct trace_block *block, const struct trace_unit *unit)
{
	return (unit->when & 15) == block->sequence % 13 + 1;
}

static inline unsigned int written_units(const struct trace_file *file, struct trace_block *block)
{
	unsigned int written = 0;

	for (unsigned int i = 0; i < file->units; i++)
		written += is_written(block, units_of(block) + i);
	return written;
}

/* Of a block that is in the ring and was copied, the one with more units. */
static inline void drop_copies(struct trace_file *file)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < file->block_count; i++) {
		struct trace_block *block = file->blocks[i], **last = file->blocks + kept - 1;

		if (!kept || compare_blocks(last, &block) != 0)
			file->blocks[kept++] = block;
		else if (written_units(file, block) > written_units(file, *last))
			*last = block;
	}
	file->block_count = kept;
}

/* The file may still be recorded to: this reads what is there now. */
static inline void open_trace(struct trace_file *file, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	size_t offset;

	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &stat), 0);
	memset(file, 0, sizeof(*file));
	file->size = stat.st_size;
	CHECK(file->size >= sizeof(struct trace_header));
	file->bytes = (unsigned char *)mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(file->bytes != MAP_FAILED);
	close(fd);
	file->header = (const struct trace_header *)file->bytes;
	CHECK(memcmp(file->header->magic, "FTRACE\r\n", 8) == 0);
	CHECK_EQ(file->header->version, 1);
	CHECK_EQ(file->header->byte_order, 0x01020304);
	CHECK(file->header->block_size >= 4096 && file->header->block_size <= 1 << 20);

	file->units = (file->header->block_size - sizeof(struct trace_block)) / sizeof(struct trace_unit);
	file->blocks = (struct trace_block **)calloc(file->size / file->header->block_size + 1, sizeof(void *));
	file->information = (struct trace_block **)calloc(file->size / file->header->block_size + 1, sizeof(void *));
	CHECK(file->blocks && file->information);
	for (offset = file->header->block_size; offset + file->header->block_size <= file->size;
	     offset += file->header->block_size) {
		struct trace_block *block = (struct trace_block *)(file->bytes + offset);

		if (is_block(block, TRACE_EVENTS))
			file->blocks[file->block_count++] = block;
		if (is_block(block, TRACE_INFORMATION))
			file->information[file->information_count++] = block;
	}
	qsort(file->blocks, file->block_count, sizeof(void *), compare_blocks);
	if (file->header->flags & TRACE_IS_STREAMED && file->header->state != TRACE_FINISHED)
		drop_copies(file);
	qsort(file->information, file->information_count, sizeof(void *), compare_blocks);
	first_event(file);
	first_record(file);
}

static inline void close_trace(struct trace_file *file)
{
	munmap(file->bytes, file->size);
	free(file->blocks);
	free(file->information);
}

/* How many units belong to an event, after the first one. */
static inline unsigned int units_after(const struct trace_unit *unit)
{
	unsigned int code = unit->what & 0xffff;

	if (code & 15)
		return 0;
	return code >> 4 == TRACE_PADDING ? (unit->what >> 16) & 0x7fffffff : code >> 8;
}

/* What is at a unit. False: nothing, or an event that is not complete. */
static inline bool read_event(const struct trace_file *file, struct trace_block *block, unsigned int index,
			      struct trace_event *event)
{
	struct trace_unit *unit = units_of(block) + index;
	unsigned int code = unit->what & 0xffff, more = units_after(unit), i;

	if (!is_written(block, unit) || more >= file->units - index)
		return false;
	event->block = block;
	event->unit = unit;
	event->kind = code & 15 ? (unit->what >> 63 ? TRACE_EXIT : TRACE_ENTRY) : (enum trace_kind)(code >> 4 & 15);
	event->call = code & 15 ? code : 0;
	event->time = unit->when >> 4;
	event->argument = (unit->what & ~(1UL << 63)) >> 16;
	event->size = 0;
	if (event->kind == TRACE_PADDING)
		return true;
	for (i = 1; i <= more; i++) {
		if (!is_written(block, unit + i))
			return false;
		memcpy(event->data + event->size, (const char *)(unit + i) + 1, 15);
		event->size += 15;
	}
	event->data[event->size] = '\0';
	if (event->kind == TRACE_END && event->size)
		event->call = event->data[0] | event->data[1] << 8;
	return true;
}

/* The next event that is valid; no padding. */
static inline bool next_event(struct trace_file *file, struct trace_event *event)
{
	while (file->block < file->block_count) {
		struct trace_block *block = file->blocks[file->block];

		file->unit = file->next_unit;
		if (file->unit >= file->units) {
			file->block++;
			file->next_unit = 0;
			continue;
		}
		file->next_unit = file->unit + 1;
		if (is_written(block, units_of(block) + file->unit))
			file->next_unit += units_after(units_of(block) + file->unit); /* all of them, valid or not */
		if (!read_event(file, block, file->unit, event))
			continue;
		if (event->kind != TRACE_PADDING)
			return true;
	}
	return false;
}

/* The next record of information. */
static inline bool next_record(struct trace_file *file, struct trace_record *record)
{
	while (file->information_block < file->information_count) {
		const struct trace_block *block = file->information[file->information_block];
		const unsigned char *at = (const unsigned char *)block + file->record_offset;
		uint32_t size, kind;

		if (file->record_offset + 8 > block->used || block->used > file->header->block_size) {
			file->information_block++;
			file->record_offset = sizeof(struct trace_block);
			continue;
		}
		memcpy(&size, at, sizeof(size));
		memcpy(&kind, at + 4, sizeof(kind));
		if (size < 8 || size % 8 || file->record_offset + size > block->used) {
			file->information_block++;
			file->record_offset = sizeof(struct trace_block);
			continue;
		}
		file->record_offset += size;
		record->kind = (enum trace_record_kind)kind;
		record->size = size - 8;
		record->data = at + 8;
		return true;
	}
	return false;
}

static inline uint32_t record_u32(const struct trace_record *record, unsigned int offset)
{
	uint32_t value;

	CHECK(offset + sizeof(value) <= record->size);
	memcpy(&value, record->data + offset, sizeof(value));
	return value;
}

static inline uint64_t record_u64(const struct trace_record *record, unsigned int offset)
{
	uint64_t value;

	CHECK(offset + sizeof(value) <= record->size);
	memcpy(&value, record->data + offset, sizeof(value));
	return value;
}

/* The address of a function, by the records of symbols; 0: it is not in them. */
static inline uint64_t trace_symbol(struct trace_file *file, const char *name)
{
	struct trace_record record;

	first_record(file);
	while (next_record(file, &record)) {
		unsigned int offset = 8, count, i;

		if (record.kind != TRACE_SYMBOLS && record.kind != TRACE_OTHER_SYMBOLS)
			continue;
		count = record_u32(&record, 4);
		for (i = 0; i < count; i++) {
			uint32_t length = record_u32(&record, offset + 12);

			if (length == strlen(name) && memcmp(record.data + offset + 16, name, length) == 0)
				return record_u64(&record, offset);
			offset += 16 + ((length + 7) & ~7U);
		}
	}
	return 0;
}

/* A value of the options; NULL: there is none. Valid until the next call. */
static inline const char *trace_option(struct trace_file *file, const char *key)
{
	static char value[256];
	struct trace_record record;
	const char *found = NULL;

	first_record(file);
	while (next_record(file, &record)) {
		char text[4096];
		uint32_t length;
		const char *at;

		if (record.kind != TRACE_OPTIONS)
			continue;
		length = record_u32(&record, 0);
		CHECK(length < sizeof(text) && length + 8 <= record.size);
		memcpy(text, record.data + 8, length);
		text[length] = '\0';
		for (at = text; at; at = strchr(at, '\n')) {
			at += *at == '\n';
			if (strncmp(at, key, strlen(key)) != 0 || at[strlen(key)] != '=')
				continue;
			at += strlen(key) + 1;
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
			found = value; /* the last one counts */
		}
	}
	return found;
}

/* An address of 6 bytes in an event's data. */
static inline uint64_t address_at(const struct trace_event *event, unsigned int offset)
{
	uint64_t address = 0;

	CHECK(offset + 6 <= event->size);
	memcpy(&address, event->data + offset, 6);
	return address;
}

static inline bool fault_at(struct trace_file *file, const struct trace_block *block, unsigned int unit, const char *what)
{
	snprintf(file->fault, sizeof(file->fault), "%s: thread %u, block %lu at %#lx, unit %u", what, block->thread,
		 (unsigned long)block->sequence, (unsigned long)((const unsigned char *)block - file->bytes), unit);
	return false;
}

/* True if the data that an event needs is there. */
static inline bool check_event(struct trace_file *file, const struct trace_event *event, unsigned int unit)
{
	if (event->time < file->header->start[0])
		return fault_at(file, event->block, unit, "a time before the start");
	if (file->header->state == TRACE_FINISHED && !file->goes_on && event->time > file->header->latest[0])
		return fault_at(file, event->block, unit, "a time after the end");
	switch (event->kind) {
	case TRACE_ENTRY:
	case TRACE_EXIT:
		if (!event->argument)
			return fault_at(file, event->block, unit, "a call without an address");
		return true;
	case TRACE_END:
		if (event->size < 4 || !(event->call & 15))
			return fault_at(file, event->block, unit, "an end without a call");
		return true;
	case TRACE_MARK:
		if (event->argument > event->size || event->size - event->argument >= 15)
			return fault_at(file, event->block, unit, "a mark with a wrong length");
		if (memchr(event->data, '\0', event->argument))
			return fault_at(file, event->block, unit, "a mark with a zero");
		return true;
	case TRACE_SAMPLE:
		if (event->size < 4 || 4U + 6 * (event->data[0] + event->data[1]) > event->size)
			return fault_at(file, event->block, unit, "a sample with missing addresses");
		for (int i = 0; i < event->data[0] + event->data[1]; i++)
			if (!address_at(event, 4 + 6 * i))
				return fault_at(file, event->block, unit, "a sample with an address of 0");
		return true;
	case TRACE_FUNCTION:
		if (event->size < 6 || !address_at(event, 0))
			return fault_at(file, event->block, unit, "a function without a caller");
		return true;
	case TRACE_LOST:
	case TRACE_SWITCHED:
		return true;
	default:
		return fault_at(file, event->block, unit, "an unknown kind");
	}
}

/*
 * For files that no kill and no copy cut: NULL if every unit that was reserved is part of an event that
 * is complete; else the first fault. A unit without a tag is only at the end of the last block of a thread.
 */
static inline const char *check_trace(struct trace_file *file)
{
	struct trace_event event;

	for (unsigned int i = 0; i < file->block_count; i++) {
		struct trace_block *block = file->blocks[i], *next = i + 1 < file->block_count ? file->blocks[i + 1] : NULL;
		unsigned int unit = 0, last;

		if (!block->first || block->first > block->sequence ||
		    (next && next->thread == block->thread && next->first != block->first)) {
			fault_at(file, block, 0, "a wrong number of the thread's first block");
			return file->fault;
		}
		if (next && next->thread == block->thread && next->sequence == block->sequence) {
			fault_at(file, block, 0, "the same block twice");
			return file->fault;
		}
		for (last = file->units; last && !is_written(block, units_of(block) + last - 1); last--)
			;
		while (unit < last) {
			if (!read_event(file, block, unit, &event)) {
				fault_at(file, block, unit, "an event that is torn");
				return file->fault;
			}
			if (event.kind != TRACE_PADDING && !check_event(file, &event, unit))
				return file->fault;
			unit += 1 + units_after(event.unit);
		}
		/* Padding may be longer than what is written. */
		if (unit < file->units && next && next->thread == block->thread &&
		    next->sequence == block->sequence + 1) {
			fault_at(file, block, unit, "a block that is not full, and not the last");
			return file->fault;
		}
	}
	return NULL;
}

#endif /* TRACE_FILE_H */
