/* SPDX-License-Identifier: MIT */
/*
 * general_regs.h - an attribute for functions that use no vector register: handlers of an ops with
 * FTRACE_OPS_FL_NO_VECTORS.
 */
#ifndef GENERAL_REGS_H
#define GENERAL_REGS_H

#if defined(__clang__) || __GNUC__ >= 11
#define GENERAL_REGS __attribute__((target("general-regs-only")))
#else
#define GENERAL_REGS __attribute__((target("no-sse,no-mmx")))
#endif

#endif /* GENERAL_REGS_H */
