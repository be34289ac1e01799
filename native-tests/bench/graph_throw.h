/* SPDX-License-Identifier: MIT */
/*
 * graph_throw.h - exceptions that leave 6 calls, each so many times: of functions that can be
 * traced (graph_thrown_1 and so on), and of some that cannot.
 */
#ifndef GRAPH_THROW_H
#define GRAPH_THROW_H

#ifdef __cplusplus
extern "C" {
#endif

void graph_throw(int count);
void graph_throw_plain(int count);

#ifdef __cplusplus
}
#endif

#endif /* GRAPH_THROW_H */
