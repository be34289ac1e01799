using System;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;
using Ftrace.Record;

namespace Ftrace.Tool.Control;

/// <summary>Asks the library in a process that is recorded: docs/control.md. One at a time has the file's lock, which the system takes from a process that is killed.</summary>
/// <remarks>Whoever can write to the file can truncate it, and a look at the mapped page would end this process (SIGBUS): so it is read and written.</remarks>
internal sealed unsafe class ControlChannel : IDisposable
{
    private const int LongestLockMs = 5_000;
    private const int LongestAnswerMs = 10_000;
    private const int LongestLifeMs = 200;
    private const int LongestPauseMs = 20;

    private readonly string _target;
    private readonly int _file;
    private readonly ControlPage* _page; // only the kernel uses it

    /// <param name="target">The id of a process, or its trace file.</param>
    /// <exception cref="ControlException">It is not being recorded, or cannot be asked.</exception>
    public ControlChannel(string target)
    {
        _target = target;
        _file = ControlTarget.Open(target);
        void* page = Libc.Map(null, sizeof(ControlPage), Libc.ProtReadWrite, Libc.MapShared, _file, 0);
        if (page == Libc.MapFailed)
        {
            int errno = Libc.Errno;
            Libc.Close(_file);
            throw new ControlException($"{target}: the trace file cannot be mapped: {Libc.TextOf(errno)}");
        }

        _page = (ControlPage*)page;
        ControlPage first = Read();
        ProcessId = Recording.ProcessId.Parse(target) ?? ControlTarget.OuterIdOf(_file, (int)((TraceFileHeader*)&first)->Pid);
    }

    /// <summary>The process that is recorded, as this one sees it; as it knows itself if it is not seen.</summary>
    public int ProcessId { get; }

    /// <summary>The process has another root directory, or other mounts, than this one: a path can be that of another file there.</summary>
    public bool SeesOtherFiles => ControlTarget.SeesOtherFiles(ProcessId);

    /// <exception cref="ControlException">There is no answer.</exception>
    public ControlAnswer Ask(ControlKind kind, string text = "", uint flags = 0)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length > ControlPage.LongestText)
        {
            throw new ControlException($"{_target}: the request has {bytes.Length} bytes, and can have {ControlPage.LongestText}; use shorter patterns, or several requests with --add");
        }

        Lock();
        try
        {
            // One that was killed may have asked.
            TryWait(Read().Requested, isEnd: false, out _);
            uint number = Write(kind, text: bytes, flags);
            if (!TryWait(number, isEnd: kind == ControlKind.Detach, out ControlPage page))
            {
                return default;
            }

            int length = (int)Math.Min(page.AnswerLength, ControlPage.LongestText);
            return new ControlAnswer(page.Error, Encoding.UTF8.GetString(page.AnswerText, length));
        }
        finally
        {
            Libc.Lock(_file, 8);
        }
    }

    public void Dispose()
    {
        Libc.Unmap(_page, sizeof(ControlPage));
        Libc.Close(_file);
    }

    private ControlPage Read()
    {
        ControlPage page;
        return Libc.ReadAt(_file, &page, sizeof(ControlPage), 0) == sizeof(ControlPage) ? page : throw FailTruncated();
    }

    /// <summary>Makes a request.</summary>
    /// <returns>Its number.</returns>
    private uint Write(ControlKind kind, ReadOnlySpan<byte> text, uint flags)
    {
        ControlPage page = Read();
        page.Kind = (uint)kind;
        page.Flags = flags;
        page.Length = (uint)text.Length;
        text.CopyTo(new Span<byte>(page.Text, ControlPage.LongestText));
        byte* start = (byte*)&page.Kind;
        nint count = (nint)(page.Text + text.Length - start);
        bool isAsked = Libc.WriteAt(_file, start, count, start - (byte*)&page) == count && Libc.AddOneAndWake(&_page->Requested);
        return isAsked ? page.Requested + 1 : throw FailTruncated();
    }

    private ControlException FailTruncated() => new($"{_target}: the trace file was truncated; the recording cannot be asked any more");

    private void Lock()
    {
        var waited = Stopwatch.StartNew();
        for (int pause = 1; Libc.Lock(_file, Libc.LockExclusive | Libc.LockWithoutWaiting) != 0; pause = Math.Min(2 * pause, LongestPauseMs))
        {
            if (Libc.Errno != Libc.EWOULDBLOCK)
            {
                throw new ControlException($"{_target}: the trace file cannot be locked: {Libc.TextOf(Libc.Errno)}");
            }

            if (waited.ElapsedMilliseconds > LongestLockMs)
            {
                throw new ControlException($"{_target}: another process changes this recording, or has locked its file; try again");
            }

            Thread.Sleep(pause);
        }
    }

    /// <summary>Waits until a request was answered.</summary>
    /// <returns>False: the recording has ended, as was asked.</returns>
    private bool TryWait(uint number, bool isEnd, out ControlPage page)
    {
        var waited = Stopwatch.StartNew();
        page = Read();
        for (int pause = 1; page.Answered != number; pause = Math.Min(2 * pause, LongestPauseMs), page = Read())
        {
            if (page.Magic != ControlPage.MagicNumber)
            {
                if (isEnd)
                {
                    return false;
                }

                throw new ControlException($"{_target}: the recording has ended");
            }

            if (waited.ElapsedMilliseconds > LongestLifeMs && !Directory.Exists($"/proc/{ProcessId}"))
            {
                throw new ControlException($"{_target}: process {ProcessId}, which is recorded there, has ended; of one in a container give the id that it has here");
            }

            if (waited.ElapsedMilliseconds > LongestAnswerMs)
            {
                throw new ControlException($"{_target}: there is no answer from process {ProcessId}; is it stopped, or does it load an object all the time?");
            }

            Thread.Sleep(pause);
        }

        page = Read(); // the answer was written before its number
        return true;
    }
}
