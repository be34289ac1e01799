/* SPDX-License-Identifier: MIT */
/* load_tls.c - takes a little of what there is for thread-local words that must not be far. */
__thread char words[64] __attribute__((tls_model("initial-exec")));

char *first_word(void)
{
	return words;
}
