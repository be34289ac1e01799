namespace Ftrace.Tool.Attach;

/// <summary>Which thread was borrowed.</summary>
internal enum AttachPath
{
    /// <summary>One that slept in a system call.</summary>
    Sleeping,

    /// <summary>One that ran, at a place in the program where it held no lock of libc's.</summary>
    Running,
}
