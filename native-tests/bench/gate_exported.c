/* SPDX-License-Identifier: MIT */
/*
 * gate_exported.c - an enter/exit pair through the exported symbols, and its
 * peer; both are called through the procedure linkage table.
 */
#define FTRACE_NO_INLINE
#include <ftrace/nmi.h>

#include <stdbool.h>

#include "gate_loops.h"
#include "gate_peer.h"

PAIR_LOOP(loop_exported, ftrace_nmi_enter(), ftrace_nmi_exit())
PAIR_LOOP(loop_out_of_line, peer_nmi_enter(), peer_nmi_exit())
