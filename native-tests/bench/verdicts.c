/* SPDX-License-Identifier: MIT */
/*
 * verdicts.c - a test of the bench itself: what it says of samples that are known, and that other
 * programs' use of the CPUs is seen, and its own is not taken for theirs.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "noise.h"
#include "table.h"

#define ROUNDS	60
#define BUSY_NS 400000000ull

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail("%s:%d: expected %s\n", __FILE__, __LINE__, #condition);              \
	} while (0)

bool quick;

/* So many samples between @low and @high, in an order without pattern, that is the same each time.
 */
static struct series samples(double low, double high, unsigned int seed)
{
	struct series series = {0};

	for (int i = 0; i < ROUNDS; i++) {
		seed = seed * 1103515245 + 12345;
		add_sample(&series, low + (high - low) * (seed >> 16 & 0x7fff) / 0x7fff);
	}
	return series;
}

static const struct row *row_of(const struct series *ours, const struct series *peers,
				enum relation relation, double target)
{
	char what[16];

	snprintf(what, sizeof(what), "%d", table->count);
	add_row(&(struct comparison){
		.section = "section",
		.what = what,
		.unit = "ns",
		.ours = ours,
		.peer = peers ? "peer" : NULL,
		.peers = peers,
		.relation = relation,
		.target = target,
	});
	return &table->rows[table->count - 1];
}

static enum verdict verdict_of(double low, double high, enum relation relation, double target)
{
	struct series ours = samples(low, high, 1), peers = samples(1, 1, 2);

	return row_of(&ours, &peers, relation, target)->verdict;
}

static void test_verdicts(void)
{
	struct series none = {0}, ours = samples(1.19, 1.21, 1), peers = samples(1, 1, 2);
	const struct row *row;

	CHECK(verdict_of(1.19, 1.21, AT_MOST, 1.3) == MET);
	CHECK(verdict_of(1.19, 1.21, AT_MOST, 1.1) == MISSED);
	CHECK(verdict_of(1.19, 1.21, AT_LEAST, 1.1) == MET);
	CHECK(verdict_of(0.09, 0.11, CHEAPER, 9) == MET);
	CHECK(verdict_of(0.09, 0.11, CHEAPER, 12) == MISSED);
	CHECK(verdict_of(1.19, 1.21, WITHIN, 1.1) == MISSED);
	CHECK(verdict_of(1.19, 1.21, REACHES, 1.1) == MET);
	CHECK(verdict_of(1.19, 1.21, AT_MOST, 0) == NO_VERDICT);
	/* The target is in the interval of the median: narrow, it is a value; wide, it says
	 * nothing. */
	CHECK(verdict_of(1.19, 1.21, AT_MOST, 1.2) != NOISY);
	CHECK(verdict_of(1.0, 1.6, AT_MOST, 1.3) == NOISY);
	/* Far from the target, but as wide as a quarter. */
	CHECK(verdict_of(0.5, 2.5, AT_MOST, 10) == NOISY);
	CHECK(verdict_of(0.5, 2.5, AT_MOST, 0) == NOISY);

	row = row_of(&ours, &none, AT_MOST, 1.3);
	CHECK(row->verdict == UNKNOWN && !row->peer_samples);
	row = row_of(&ours, &peers, AT_MOST, 1.3);
	CHECK(row->ours.low <= row->ours.median && row->ours.median <= row->ours.high);
	CHECK(row->ratio.from <= row->ratio.median && row->ratio.median <= row->ratio.to);
	CHECK(row->ratio.median > 1.19 && row->ratio.median < 1.21);
}

/* A part that was not quiet: none of its rows has a verdict; others keep theirs. */
static void test_parts(void)
{
	struct quiet quiet = {0}, noisy = {.why = "other programs used 50 % of the CPUs"};
	int before, after;

	begin_part("quiet");
	before = table->count;
	CHECK(verdict_of(1.19, 1.21, AT_MOST, 1.3) == MET);
	end_part(&quiet);
	begin_part("noisy");
	after = table->count;
	CHECK(verdict_of(1.19, 1.21, AT_MOST, 1.3) == MET);
	end_part(&noisy);
	CHECK(table->rows[before].verdict == MET);
	CHECK(table->rows[after].verdict == NOISY && strstr(table->rows[after].why, "50 %"));
}

static void compute(uint64_t ns)
{
	uint64_t until = now_ns() + ns;

	while (now_ns() < until)
		;
}

/* A busy process for each CPU; children of this one, or of init. Returns when all have ended. */
static void run_busy(bool are_children)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int ends[2];
	char byte;

	CHECK(!pipe(ends));
	for (long i = 0; i < cpus; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0 && (are_children || fork() == 0))
			compute(BUSY_NS);
		if (pid == 0)
			_exit(0);
	}
	close(ends[1]);
	/* The last process that has the other end closes it. */
	CHECK(read(ends[0], &byte, 1) == 0);
	close(ends[0]);
	while (wait(NULL) > 0)
		;
}

static void test_noise(void)
{
	struct noise noise;
	struct quiet quiet;

	begin_noise(&noise);
	run_busy(false);
	end_noise(&noise, &quiet);
	CHECK(quiet.others > 0.3 && strstr(quiet.why, "other programs"));

	/* The same by its own children, beside what the machine does otherwise. */
	begin_noise(&noise);
	run_busy(true);
	end_noise(&noise, &quiet);
	CHECK(quiet.own > 0 && quiet.own + quiet.others < 1.15);
}

int main(void)
{
	make_table();
	test_verdicts();
	test_parts();
	test_noise();
	return 0;
}
