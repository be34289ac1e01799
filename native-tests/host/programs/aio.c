/* SPDX-License-Identifier: MIT */
/*
 * aio.c - POSIX asynchronous I/O: the C library's threads for it block every signal, and so
 * does the one that it starts to tell that a request has ended. What is read is what was written.
 */
#include "../../test.h"
#include "work.h"

#include <aio.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define REQUESTS 8
#define SIZE	 4096
#define WORDS	 (SIZE / sizeof(uint64_t))

static uint64_t buffers[REQUESTS][WORDS];
static struct aiocb requests[REQUESTS];
static atomic_ulong ended;

static void work_ended(union sigval value)
{
	struct aiocb *request = value.sival_ptr;

	CHECK_EQ(aio_error(request), 0);
	CHECK_EQ(aio_return(request), SIZE);
	work_verify(ended);
	ended++;
}

static void submit(int file, int opcode)
{
	struct aiocb *list[REQUESTS];
	unsigned long before = ended;

	for (int i = 0; i < REQUESTS; i++) {
		requests[i] = (struct aiocb){
			.aio_fildes = file,
			.aio_buf = buffers[i],
			.aio_nbytes = SIZE,
			.aio_offset = i * SIZE,
			.aio_lio_opcode = opcode,
			.aio_sigevent = {.sigev_notify = SIGEV_THREAD,
					 .sigev_value.sival_ptr = requests + i},
		};
		requests[i].aio_sigevent.sigev_notify_function = work_ended;
		list[i] = requests + i;
	}
	CHECK_EQ(lio_listio(LIO_WAIT, list, REQUESTS, NULL), 0);
	WAIT_FOR(ended == before + REQUESTS);
}

int main(void)
{
	FILE *stream = tmpfile();
	int file;

	CHECK(stream);
	file = fileno(stream);
	for (unsigned long round = 0; work_continues(20); round++) {
		for (unsigned long i = 0; i < REQUESTS; i++)
			for (unsigned long j = 0; j < WORDS; j++)
				buffers[i][j] = j ? buffers[i][j - 1] * 3 + j
						  : work_unit((round + i) % WORK_SEEDS);
		submit(file, LIO_WRITE);
		memset(buffers, 0, sizeof(buffers));
		submit(file, LIO_READ);
		for (unsigned long i = 0; i < REQUESTS; i++)
			for (unsigned long j = 0; j < WORDS; j++)
				CHECK_EQ(buffers[i][j], j ? buffers[i][j - 1] * 3 + j
							  : work_unit((round + i) % WORK_SEEDS));
	}
	fclose(stream);
	printf("%#lx\n", work_checksum());
	return 0;
}
