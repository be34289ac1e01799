namespace Ftrace.Tool.Attach;

/// <summary>Why a process cannot be attached to. Each number is the exit status of the command.</summary>
internal enum AttachRefusal
{
    /// <summary>There is no process with this id.</summary>
    NoProcess = 70,

    /// <summary>The process has ended, before or while it was attached to.</summary>
    Ended = 71,

    /// <summary>A thread of the kernel.</summary>
    KernelThread = 72,

    /// <summary>A program that is not for x86-64.</summary>
    OtherMachine = 73,

    /// <summary>The program is linked statically: it has no loader.</summary>
    Static = 74,

    /// <summary>The program runs with musl.</summary>
    Musl = 75,

    /// <summary>The process has no libc that can open a library.</summary>
    NoLibc = 76,

    /// <summary>Another process traces it.</summary>
    Traced = 77,

    /// <summary>It belongs to another user.</summary>
    OtherUser = 78,

    /// <summary>The kernel protects it: it was set-user-ID, or has made itself not dumpable.</summary>
    Protected = 79,

    /// <summary>The security module Yama, or another one, forbids it.</summary>
    Forbidden = 80,

    /// <summary>It has a seccomp filter.</summary>
    Seccomp = 81,

    /// <summary>The library is not in the file system that the process sees.</summary>
    NotVisible = 82,

    /// <summary>It has loaded another version of the library.</summary>
    OtherVersion = 83,

    /// <summary>No thread has enough stack.</summary>
    SmallStack = 84,

    /// <summary>Its threads have shadow stacks.</summary>
    ShadowStack = 85,

    /// <summary>No thread came to a place where a library can be opened.</summary>
    NoPlace = 86,

    /// <summary>The loader of the process cannot open the library.</summary>
    NotLoaded = 87,

    /// <summary>A call in the process has faulted.</summary>
    Fault = 88,

    /// <summary>A call in the process does not return.</summary>
    NoReturn = 89,

    /// <summary>It is stopped.</summary>
    Stopped = 90,

    /// <summary>It runs in an emulator.</summary>
    Emulated = 91,

    /// <summary>It has no free file descriptor, or the kernel has no pidfd_getfd(2).</summary>
    NoSocket = 92,

    /// <summary>Another one is attached.</summary>
    Busy = 93,

    /// <summary>The agent in the process could not be started.</summary>
    NoAgent = 94,

    /// <summary>The user has ended it with a signal before anything was changed.</summary>
    Interrupted = 95,
}
