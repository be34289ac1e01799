# SPDX-License-Identifier: MIT
"""hosts.py KIND UNTIL [COMMAND...] - a program in Python that ftrace attaches to. It goes on until the file UNTIL exists, checks
its results, and ends with 0.

    sleeps    short sleeps, each as long as it has to be
    works     computes, and never waits
    threads   1000 threads that wait
    filtered  runs COMMAND under a seccomp filter such as containers have: calls that nobody needs fail
    container runs COMMAND as containers do: UNTIL is the folder that it has as its root, with a /proc, and it is process 1 there"""
import ctypes
import hashlib
import os
import struct
import sys
import threading
import time

kind, until = sys.argv[1:3]


def is_over():
    return os.path.exists(until)


def ready():
    print("ready", flush=True)


def sleep():
    ready()
    while not is_over():
        begin = time.monotonic()
        time.sleep(0.005)
        if time.monotonic() - begin < 0.005:
            sys.exit("a sleep was too short")


def work():
    def digest():
        text = b"x"
        for _ in range(1000):
            text = hashlib.sha256(text + str(len({i: i * i for i in range(10)})).encode()).digest()
        return text

    expected = digest()
    ready()
    while not is_over():
        if digest() != expected:
            sys.exit("a digest is wrong")


def wait():
    event = threading.Event()
    threading.stack_size(512 << 10)
    passed = []
    threads = [threading.Thread(target=lambda: passed.append(event.wait())) for _ in range(1000)]
    for thread in threads:
        thread.start()
    ready()
    while not is_over():
        time.sleep(0.01)
    event.set()
    for thread in threads:
        thread.join()
    if passed != [True] * 1000:
        sys.exit("a thread has not waited for the event")


def filtered():
    # ptrace, mount, umount2, reboot, init_module, kexec_load, add_key, keyctl, unshare, perf_event_open, process_vm_readv,
    # process_vm_writev, kcmp, bpf, userfaultfd, pidfd_getfd: EPERM; clone3: ENOSYS
    denied = [101, 165, 166, 169, 175, 246, 248, 250, 272, 298, 310, 311, 312, 321, 323, 438]
    load, equal, ret, allow, error = 0x20, 0x15, 0x06, 0x7fff0000, 0x00050000
    code = [(load, 0, 0, 0)]
    for number, errno in [(n, 1) for n in denied] + [(435, 38)]:
        code += [(equal, 0, 1, number), (ret, 0, 0, error | errno)]
    code += [(ret, 0, 0, allow)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program):  # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP
        sys.exit(os.strerror(ctypes.get_errno()))
    os.execvp(sys.argv[3], sys.argv[3:])


def container():
    libc = ctypes.CDLL(None, use_errno=True)

    def check(result):
        if result:
            sys.exit(os.strerror(ctypes.get_errno()))

    root = until.encode()
    check(libc.unshare(0x00020000 | 0x20000000))  # CLONE_NEWNS, CLONE_NEWPID
    child = os.fork()
    if child:
        os.close(0)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    check(libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None))  # MS_REC, MS_PRIVATE
    check(libc.mount(root, root, None, 0x1000, None))  # MS_BIND
    os.makedirs(root + b"/proc", exist_ok=True)
    check(libc.mount(b"proc", root + b"/proc", b"proc", 0, None))
    os.chdir(root)
    check(libc.syscall(155, b".", b"."))  # pivot_root
    check(libc.umount2(b".", 2))  # MNT_DETACH
    os.chdir("/")
    os.execv(sys.argv[3], sys.argv[3:])


{"sleeps": sleep, "works": work, "threads": wait, "filtered": filtered, "container": container}[kind]()
