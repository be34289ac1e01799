namespace Ftrace.Linux;

/// <summary>What an entry of /proc/self/task is, as far as a stop is concerned.</summary>
internal enum TaskKind
{
    /// <summary>Not known: no descriptor is free, or the file has another format.</summary>
    Unknown,

    /// <summary>A thread that can take the stop signal.</summary>
    Thread,

    /// <summary>It has ended, and is not listed any more.</summary>
    Gone,

    /// <summary>It has ended, but is still listed, as a main thread is that has called pthread_exit(3).</summary>
    Ended,

    /// <summary>A kernel thread that belongs to the process, as io_uring(7) has: it never runs code of the process, and takes no signal.</summary>
    KernelWorker,
}
