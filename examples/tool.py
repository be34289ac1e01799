#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tool.py LIBRARY PLUGIN - counts the calls of functions in a shared object from Python."""
import ctypes
import sys

Handler = ctypes.CFUNCTYPE(
    None, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p)


class Ops(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("func", Handler),
                ("flags", ctypes.c_ulong), ("data", ctypes.c_void_p)]


counts = {}


def hit(ip, parent_ip, ops, regs):
    counts[ip] = counts.get(ip, 0) + 1


def check(error):
    if error:
        sys.exit(f"error {error}")


ftrace = ctypes.CDLL(sys.argv[1])
plugin = ctypes.CDLL(sys.argv[2])
ops = Ops(size=ctypes.sizeof(Ops), func=Handler(hit))
check(ftrace.ftrace_set_filter(ctypes.byref(ops), b"plugin_*", 0, 0))
check(ftrace.ftrace_register_function(ctypes.byref(ops)))
for i in range(3):
    plugin.plugin_start(i)
plugin.plugin_stop(0)
check(ftrace.ftrace_unregister_function(ctypes.byref(ops)))
plugin.plugin_stop(0)
print(sorted(counts.values()))
sys.exit(sorted(counts.values()) != [1, 3])
