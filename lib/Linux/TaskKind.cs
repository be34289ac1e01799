namespace Ftrace.Linux;

/// <summary>What an entry of /proc/self/task is, as far as a stop is concerned.</summary>
internal enum TaskKind
{
    /// <summary>The system would not tell: no descriptor is free, or the text has another form.</summary>
    Unknown,

    /// <summary>A thread that can take the stop signal.</summary>
    Thread,

    /// <summary>Not there any more.</summary>
    Gone,

    /// <summary>Has ended, but is still listed, as a main thread is that called pthread_exit().</summary>
    Ended,

    /// <summary>A kernel thread in the process's name, as io_uring has: never runs code of the process, takes no signal.</summary>
    KernelWorker,
}
