/* SPDX-License-Identifier: MIT */
/*
 * driver.c - compresses a file with Zstandard at many levels, in several threads, each of
 * which has threads of Zstandard work for it, and decompresses the result.
 *
 * Built once as it is and once with WITH_FTRACE (tracer.h), it must write the same
 * bytes. What a thread's frames are goes to OUT_DIR/THREAD.out.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zstd.h>

#include "tracer.h"

#define MAX_THREADS 4
#define WORKERS	    2 /* of Zstandard, for each thread */

struct worker {
	pthread_t thread;
	int index;
	int failed;
};

static const char *out_dir;
static int rounds;
static void *input;
static size_t input_size;
static atomic_uint running;

static int compress_at(int level, FILE *out, void *frame, size_t capacity, void *output)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t size = 0, back;

	if (context &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)) &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)) &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, WORKERS)) &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_jobSize, 1 << 19)))
		size = ZSTD_compress2(context, frame, capacity, input, input_size);
	ZSTD_freeCCtx(context);
	if (size == 0 || ZSTD_isError(size))
		return 1;
	back = ZSTD_decompress(output, input_size, frame, size);
	if (back != input_size || memcmp(input, output, input_size) != 0)
		return 1;
	return fwrite(frame, 1, size, out) != size;
}

static void *work(void *arg)
{
	static const int levels[] = {1, 3, 5, 7, 9, 12, 16, -5};
	struct worker *worker = arg;
	size_t capacity = ZSTD_compressBound(input_size),
	       count = sizeof(levels) / sizeof(levels[0]);
	void *frame = malloc(capacity), *output = malloc(input_size);
	char name[4096];
	FILE *out;

	snprintf(name, sizeof(name), "%s/%d.out", out_dir, worker->index);
	out = fopen(name, "w");
	worker->failed = !out || !frame || !output;
	for (size_t i = 0; !worker->failed && i < (size_t)rounds * count; i++)
		worker->failed = compress_at(levels[((size_t)worker->index + i) % count], out,
					     frame, capacity, output);
	if (out && fclose(out))
		worker->failed = 1;
	free(frame);
	free(output);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static int read_input(const char *name)
{
	FILE *file = fopen(name, "r");

	if (!file || fseek(file, 0, SEEK_END))
		return 1;
	input_size = (size_t)ftell(file);
	rewind(file);
	input = malloc(input_size);
	return !input || fread(input, 1, input_size, file) != input_size || fclose(file);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
	struct worker workers[MAX_THREADS] = {0};
	struct timespec start;
	int nr_threads = argc == 6 ? atoi(argv[2]) : 0;
	int failed = 0;

	if (nr_threads < 1 || nr_threads > MAX_THREADS || atoi(argv[3]) < 1 ||
	    read_input(argv[5])) {
		fprintf(stderr, "usage: %s OUT_DIR THREADS ROUNDS METHOD FILE\n", argv[0]);
		return 2;
	}
	out_dir = argv[1];
	rounds = atoi(argv[3]);
	tracer_init(argv[4]);
	atomic_store(&running, (unsigned int)nr_threads);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < nr_threads; i++) {
		int error;

		workers[i].index = i;
		error = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		if (error) {
			fprintf(stderr, "pthread_create: %s\n", strerror(error));
			return 1;
		}
	}
	tracer_while(&running);
	for (int i = 0; i < nr_threads; i++) {
		pthread_join(workers[i].thread, NULL);
		failed |= workers[i].failed;
	}
	fprintf(stderr, "  %-24s %.2f\n", VARIANT " run, seconds", seconds_since(&start));
	return tracer_report() | failed ? 1 : 0;
}
