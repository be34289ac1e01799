using System;
using System.Buffers.Text;

namespace Ftrace.Linux;

/// <summary>The kernel's version, by uname(2).</summary>
internal static unsafe class KernelRelease
{
    private const int FieldSize = 65;
    private const int Fields = 6;
    private const int ReleaseField = 2;

    /// <summary>True if the kernel is older than that, or its version is not known.</summary>
    public static bool IsBefore(int major, int minor)
    {
        byte* names = stackalloc byte[FieldSize * Fields];
        if (Native.Syscall(SyscallNumber.Uname, (nint)names) != 0)
        {
            return true;
        }

        ReadOnlySpan<byte> release = new(names + FieldSize * ReleaseField, FieldSize);
        return !Utf8Parser.TryParse(release, out int first, out int length)
            || release[length] != '.'
            || !Utf8Parser.TryParse(release[(length + 1)..], out int second, out _)
            || first < major || (first == major && second < minor);
    }
}
