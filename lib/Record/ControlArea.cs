using System;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>
/// Where other processes ask for changes: docs/control.md. Whoever may write to the trace file may write anything there, at any time: a
/// request is copied before it is checked, and every field is checked.
/// </summary>
internal static unsafe class ControlArea
{
    private const int DontFork = 10;

    private static ControlSession* s_session;

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
            error = ControlRequests.Run(kind, flags, new ReadOnlySpan<byte>(text, (int)length), new Span<byte>(answer, ControlPage.LongestText), out answerLength);
        }

        Buffer.MemoryCopy(answer, page->AnswerText, ControlPage.LongestText, answerLength);
        page->AnswerLength = (uint)answerLength;
        page->Error = -error;
        session->Seen = number;
        Volatile.Write(ref page->Answered, number);
        Futex.WakeShared(&page->Answered);
        return 0;
    }
}
