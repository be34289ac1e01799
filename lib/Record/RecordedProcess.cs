using System;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>Writes which process it is.</summary>
internal static unsafe class RecordedProcess
{
    private const int MaxArguments = 8192;
    private const int HostNameOffset = 65; // struct new_utsname
    private const int UtsnameSize = 6 * 65;

    public static void Write(ulong time)
    {
        byte* buffer = stackalloc byte[2 * Memory.PageSize + MaxArguments + UtsnameSize];
        byte* rest = buffer;
        ReadOnlySpan<byte> program = ReadLink("/proc/self/exe\0"u8, rest, Memory.PageSize);
        rest += Memory.PageSize;
        nint length = Native.Syscall(SyscallNumber.Getcwd, (nint)rest, Memory.PageSize);
        ReadOnlySpan<byte> directory = length > 0 ? new ReadOnlySpan<byte>(rest, (int)length - 1) : default;
        rest += Memory.PageSize;
        ReadOnlySpan<byte> arguments = ReadArguments(rest);
        rest += MaxArguments;
        ReadOnlySpan<byte> host = ReadHostName(rest);

        if (InfoWriter.Begin(InfoKind.Process, 32 + program.Length + arguments.Length + directory.Length + host.Length))
        {
            InfoWriter.Add((uint)Native.Syscall(SyscallNumber.Getpid));
            InfoWriter.Add((uint)Native.Syscall(SyscallNumber.Getppid));
            InfoWriter.Add(time);
            InfoWriter.Add((uint)program.Length);
            InfoWriter.Add((uint)arguments.Length);
            InfoWriter.Add((uint)directory.Length);
            InfoWriter.Add((uint)host.Length);
            InfoWriter.Add(program);
            InfoWriter.Add(arguments);
            InfoWriter.Add(directory);
            InfoWriter.Add(host);
            InfoWriter.End();
        }
    }

    /// <param name="path">Ends in a 0.</param>
    /// <param name="buffer">Receives the text.</param>
    /// <param name="size">Of the buffer.</param>
    public static ReadOnlySpan<byte> ReadLink(ReadOnlySpan<byte> path, byte* buffer, int size)
    {
        fixed (byte* name = path)
        {
            nint length = Native.Syscall(SyscallNumber.Readlink, (nint)name, (nint)buffer, size);
            return length > 0 ? new ReadOnlySpan<byte>(buffer, (int)length) : default;
        }
    }

    private static ReadOnlySpan<byte> ReadArguments(byte* buffer)
    {
        fixed (byte* path = "/proc/self/cmdline\0"u8)
        {
            int file = ProcFile.Open(path);
            if (file < 0)
            {
                return default;
            }

            int length = ProcFile.Read(file, buffer, MaxArguments);
            ProcFile.Close(file);
            return length > 0 ? new ReadOnlySpan<byte>(buffer, length) : default;
        }
    }

    private static ReadOnlySpan<byte> ReadHostName(byte* buffer)
    {
        Native.Syscall(SyscallNumber.Uname, (nint)buffer);
        var name = new ReadOnlySpan<byte>(buffer + HostNameOffset, HostNameOffset);
        int end = name.IndexOf((byte)0);
        return end < 0 ? default : name[..end];
    }
}
