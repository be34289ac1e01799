/* SPDX-License-Identifier: MIT */
/* cpus.h - where the calling thread, and what it starts, may run. */
#ifndef CPUS_H
#define CPUS_H

/* Before anything is measured: the CPUs that the process may use are all. */
void find_all_cpus(void);

/* One CPU, on which few interrupts arrive. */
void use_last_cpu(void);

void use_all_cpus(void);

#endif /* CPUS_H */
