/* SPDX-License-Identifier: MIT */
/*
 * functions.h - applies a macro to 20,000 numbers, 10000 to 29999.
 */
#ifndef FUNCTIONS_H
#define FUNCTIONS_H

#define FUNCTIONS 20000

#define TEN(F, n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9)
#define HUNDRED(F, n)                                                                              \
	TEN(F, n##0)                                                                               \
	TEN(F, n##1)                                                                               \
	TEN(F, n##2)                                                                               \
	TEN(F, n##3)                                                                               \
	TEN(F, n##4)                                                                               \
	TEN(F, n##5)                                                                               \
	TEN(F, n##6)                                                                               \
	TEN(F, n##7)                                                                               \
	TEN(F, n##8)                                                                               \
	TEN(F, n##9)
#define THOUSAND(F, n)                                                                             \
	HUNDRED(F, n##0)                                                                           \
	HUNDRED(F, n##1)                                                                           \
	HUNDRED(F, n##2)                                                                           \
	HUNDRED(F, n##3)                                                                           \
	HUNDRED(F, n##4)                                                                           \
	HUNDRED(F, n##5)                                                                           \
	HUNDRED(F, n##6)                                                                           \
	HUNDRED(F, n##7)                                                                           \
	HUNDRED(F, n##8)                                                                           \
	HUNDRED(F, n##9)
#define TEN_THOUSAND(F, n)                                                                         \
	THOUSAND(F, n##0)                                                                          \
	THOUSAND(F, n##1)                                                                          \
	THOUSAND(F, n##2)                                                                          \
	THOUSAND(F, n##3)                                                                          \
	THOUSAND(F, n##4)                                                                          \
	THOUSAND(F, n##5)                                                                          \
	THOUSAND(F, n##6)                                                                          \
	THOUSAND(F, n##7)                                                                          \
	THOUSAND(F, n##8)                                                                          \
	THOUSAND(F, n##9)
#define EACH_FUNCTION(F)                                                                           \
	TEN_THOUSAND(F, 1)                                                                         \
	TEN_THOUSAND(F, 2)

typedef unsigned int function(unsigned int x, unsigned int *counters);

/* The first and the last one. */
function function_10000, function_29999;

#endif /* FUNCTIONS_H */
