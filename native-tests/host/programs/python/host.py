#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""host.py WORK - threads of Python that call a shared object through ctypes, and are called
back by it, while signals are handled, memory is collected and processes are forked."""
import ctypes
import gc
import os
import signal
import sys
import threading
import time

SEEDS = 16
WORKERS = 4
FORKS = 5

Function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64)
work = ctypes.CDLL(sys.argv[1])
work.work_unit.restype = ctypes.c_uint64
work.work_unit.argtypes = [ctypes.c_uint64]
work.work_call.restype = ctypes.c_uint64
work.work_call.argtypes = [Function, ctypes.c_uint64]
work.work_checksum.restype = ctypes.c_uint64
work.work_continues.argtypes = [ctypes.c_ulong]

expected = [work.work_unit(seed) for seed in range(SEEDS)]
square = Function(lambda value: value * value)
ticks = 0
wrong = []
finish = False


def worker(first):
    i = first
    while not finish:
        if work.work_unit(i % SEEDS) != expected[i % SEEDS]:
            wrong.append(f"unit {i % SEEDS}")
        if work.work_call(square, i) != i * i + 1:
            wrong.append(f"square of {i}")
        i += WORKERS


def on_alarm(signo, frame):
    global ticks
    ticks += 1


def fork():
    child = os.fork()
    if child == 0:
        os._exit(work.work_unit(3) != expected[3])
    status = os.waitpid(child, 0)[1]
    if status != 0:
        wrong.append(f"status {status} of a child")


signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
threads = [threading.Thread(target=worker, args=(i,)) for i in range(WORKERS)]
for thread in threads:
    thread.start()
rounds = 0
while work.work_continues(20) and not wrong:
    if rounds < FORKS:
        fork()
    rounds += 1
    gc.collect()
    time.sleep(0.005)
while ticks < 5:
    time.sleep(0.01)
finish = True
for thread in threads:
    thread.join()
signal.setitimer(signal.ITIMER_REAL, 0)
print(hex(work.work_checksum()))
sys.exit("; ".join(wrong[:5]) or 0)
