using System;
using System.Buffers.Text;
using Ftrace.Linux;
using Ftrace.Trace;

namespace Ftrace.Record;

/// <summary>Executes what other processes ask for, whichever way they ask: docs/control.md.</summary>
internal static unsafe class ControlRequests
{
    private static ReadOnlySpan<byte> NotSupported => "this library does not know the request\n"u8;

    /// <param name="kind">As it was received, and the others too.</param>
    /// <param name="flags">Must be 0 but for <see cref="ControlPage.Add"/>.</param>
    /// <param name="text">A 0 follows.</param>
    /// <param name="answer">Has room for <see cref="ControlPage.LongestText"/> bytes.</param>
    /// <param name="length">How many of them are used.</param>
    /// <returns>0 or -errno; then nothing has changed.</returns>
    public static int Run(ControlKind kind, uint flags, ReadOnlySpan<byte> text, Span<byte> answer, out int length)
    {
        length = 0;
        if ((flags & ~ControlPage.Add) != 0 || text.Contains((byte)0))
        {
            return -Errno.EINVAL;
        }

        bool reset = (flags & ControlPage.Add) == 0;
        switch (kind)
        {
            case ControlKind.Status:
                length = FormatStatus(answer);
                return length == 0 ? -Errno.ESRCH : 0;
            case ControlKind.On:
                return RecorderChanges.On();
            case ControlKind.Off:
                return RecorderChanges.Off();
            case ControlKind.Filter:
                return RecorderChanges.SetRules(RuleKind.Filter, text, reset);
            case ControlKind.Notrace:
                return RecorderChanges.SetRules(RuleKind.Notrace, text, reset);
            case ControlKind.Depth:
                return TryParse(text, out ulong depth) && depth <= int.MaxValue ? RecorderChanges.SetDepth((uint)depth) : -Errno.EINVAL;
            case ControlKind.MinTime:
                return TryParse(text, out ulong ns) && ns <= long.MaxValue ? RecorderChanges.SetMinTime(ns) : -Errno.EINVAL;
            case ControlKind.Snapshot:
                return TakeSnapshot(text);
            case ControlKind.Trigger:
                return Recorder.SetTrigger(text, reset);
            case ControlKind.Detach:
                return Recorder.Detach();
            default:
                NotSupported.CopyTo(answer);
                length = NotSupported.Length;
                return -Errno.EOPNOTSUPP;
        }
    }

    /// <param name="path">A 0 follows.</param>
    private static int TakeSnapshot(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty || path[0] != '/') // the directory is not that of who asks
        {
            return -Errno.EINVAL;
        }

        fixed (byte* start = path)
        {
            // Descriptors are those of this process.
            return TraceFilePath.IsDescriptor(start) ? -Errno.EINVAL : Recorder.Snapshot(start, "ftrace snapshot"u8);
        }
    }

    private static bool TryParse(ReadOnlySpan<byte> text, out ulong number) =>
        Utf8Parser.TryParse(text, out number, out int used) && used == text.Length && text[0] != '+';

    /// <summary>Lines "key=value".</summary>
    private static int FormatStatus(Span<byte> answer)
    {
        TracingStatus status = RecorderChanges.GetStatus();
        if (status.State == 0)
        {
            return 0;
        }

        int length = 0;
        Add(answer, ref length, "state="u8, (status.State & TracingStatus.On) != 0 ? "on"u8 : "off"u8);
        Add(answer, ref length, "mode="u8, EventStream.IsWanted ? "stream"u8 : "flight"u8);
        Add(answer, ref length, "stream_error="u8, (ulong)-status.StreamError);
        Add(answer, ref length, "pid="u8, (ulong)Native.Syscall(SyscallNumber.Getpid));
        Add(answer, ref length, "threads="u8, status.Threads);
        Add(answer, ref length, "buffers="u8, status.Buffers);
        Add(answer, ref length, "free_buffers="u8, status.FreeBuffers);
        Add(answer, ref length, "buffer_size="u8, status.BufferSize);
        Add(answer, ref length, "file_size="u8, status.FileSize);
        Add(answer, ref length, "max_size="u8, status.MaxSize);
        Add(answer, ref length, "copied="u8, status.Copied);
        Add(answer, ref length, "lost_without_buffer="u8, status.LostWithoutBuffer);
        Add(answer, ref length, "lost_overwritten="u8, status.LostOverwritten);
        Add(answer, ref length, "depth="u8, status.MaxDepth);
        Add(answer, ref length, "min_time_ns="u8, status.MinTimeNs);
        return length;
    }

    private static void Add(Span<byte> answer, ref int length, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        key.CopyTo(answer[length..]);
        length += key.Length;
        value.CopyTo(answer[length..]);
        length += value.Length;
        answer[length++] = (byte)'\n';
    }

    private static void Add(Span<byte> answer, ref int length, ReadOnlySpan<byte> key, ulong value)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out int count);
        Add(answer, ref length, key, digits[..count]);
    }
}
