using System;
using System.Buffers.Text;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Trace;

namespace Ftrace.Record;

/// <summary>
/// Carries out what other processes ask for: docs/control.md. Whoever may write to the trace file may write anything there, at any time: a
/// request is copied before it is checked, and every field is checked.
/// </summary>
internal static unsafe class ControlArea
{
    private const int DontFork = 10;

    private static ControlSession* s_session;

    private static ReadOnlySpan<byte> NotSupported => "this library does not know the request\n"u8;

    /// <summary>A recording begins: makes it listen. If that fails nobody can ask, and nothing else is different.</summary>
    /// <param name="header">Of the file.</param>
    /// <param name="mask">Signals that the thread blocks.</param>
    public static void Begin(TraceFileHeader* header, ulong mask)
    {
        s_session = null;
        var shared = (ControlPage*)header;
        var page = (ControlPage*)RecordFile.MapFirstPage();
        var session = (ControlSession*)Memory.Map(Memory.PageSize);
        if (page == null || session == null)
        {
            Free(page, session);
            return;
        }

        Native.Syscall(SyscallNumber.Madvise, (nint)page, Memory.PageSize, DontFork);
        shared->Version = ControlPage.CurrentVersion;
        *session = new ControlSession { Page = page, Requested = &page->Requested };
        s_session = session;
        if (Native.Table->ControlStart(session, mask) != 0)
        {
            s_session = null;
            Free(page, session);
            return;
        }

        Volatile.Write(ref shared->Magic, ControlPage.MagicNumber);
    }

    /// <summary>True if the address is in the page of requests, which the thread has mapped for itself. Any context.</summary>
    [NoInstr]
    public static bool Contains(ulong address)
    {
        ControlSession* session = s_session;
        return session != null && address - (ulong)session->Page < Memory.PageSize;
    }

    private static void Free(ControlPage* page, ControlSession* session)
    {
        if (page != null)
        {
            Memory.Unmap(page, Memory.PageSize);
        }

        if (session != null)
        {
            Memory.Unmap(session, Memory.PageSize);
        }
    }

    /// <summary>The recording ends. The thread may still be at work, and ends later.</summary>
    public static void End(TraceFileHeader* header)
    {
        ControlSession* session = s_session;
        s_session = null;
        if (session == null || header == null || header->Pid != (uint)Native.Syscall(SyscallNumber.Getpid))
        {
            return; // the thread is the parent's
        }

        var page = (ControlPage*)header;
        Volatile.Write(ref page->Magic, 0);
        Volatile.Write(ref session->Ended, 1); // from here on the session can be gone
        Interlocked.Increment(ref page->Requested);
        Futex.WakeShared(&page->Requested);
        Futex.WakeShared(&page->Answered);
    }

    /// <summary>Looks for a request, and answers it: called by the thread.</summary>
    /// <returns>0: it can sleep until <see cref="ControlSession.Seen"/> is not the number any more.</returns>
    public static int Work(ControlSession* session)
    {
        ControlPage* page = session->Page;
        uint number = Volatile.Read(ref page->Requested);
        if (number == session->Seen || Volatile.Read(ref session->Ended) != 0)
        {
            return 0;
        }

        byte* text = stackalloc byte[ControlPage.LongestText + 1];
        byte* answer = stackalloc byte[ControlPage.LongestText];
        var kind = (ControlKind)Volatile.Read(ref page->Kind);
        uint flags = Volatile.Read(ref page->Flags);
        uint length = Volatile.Read(ref page->Length);
        int answerLength = 0;
        int error = -Errno.E2BIG;
        if (length <= ControlPage.LongestText)
        {
            Buffer.MemoryCopy(page->Text, text, ControlPage.LongestText, length);
            text[length] = 0;
            error = Run(kind, flags, new ReadOnlySpan<byte>(text, (int)length), new Span<byte>(answer, ControlPage.LongestText), out answerLength);
        }

        Buffer.MemoryCopy(answer, page->AnswerText, ControlPage.LongestText, answerLength);
        page->AnswerLength = (uint)answerLength;
        page->Error = -error;
        session->Seen = number;
        Volatile.Write(ref page->Answered, number);
        Futex.WakeShared(&page->Answered);
        return 0;
    }

    private static int Run(ControlKind kind, uint flags, ReadOnlySpan<byte> text, Span<byte> answer, out int length)
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
