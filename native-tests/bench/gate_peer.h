/* SPDX-License-Identifier: MIT */
/*
 * gate_peer.h - the gate of <ftrace/nmi-inline.h> written by hand, as a peer.
 *
 * peer_nmi_enter() and _exit() are the gate out of line in a shared library.
 * The slow paths live there as well, so that a loop which has the gate inline
 * must allow for the same calls as one that uses the header.
 */
#ifndef GATE_PEER_H
#define GATE_PEER_H

/*
 * The thread-local word of the gate that is written by hand in the program. It
 * lives here to be reached as the header reaches the library's, through a
 * register. By its offset alone (local-exec) it misses the shortcut from a
 * store to the next load that some CPUs have, and the pair takes three times as
 * long.
 */
extern __thread unsigned long hand_saved __attribute__((tls_model("initial-exec")));

void peer_nmi_enter(void);
void peer_nmi_exit(void);

void peer_enter_slow(void);
void peer_exit_slow(void);

#endif /* GATE_PEER_H */
