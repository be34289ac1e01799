using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Dumps;

/// <summary>
/// The data directory of uftrace: <c>info</c>, <c>task.txt</c>, a map and symbols, and for each thread its entries and exits in
/// <c>TID.dat</c>. Marks are external data, <c>extern.dat</c>.
/// </summary>
/// <remarks>uftrace knows no way to say how a call ended, nor more than 1024 nested calls of a thread: those inside are left out.</remarks>
internal sealed class UftraceDump : Dump, IDisposable
{
    private const int RecordSize = 16;
    private const int MaxDepth = 1024;
    private const int MaxMark = 900;
    private const ulong Magic = 5;

    // Types of records
    private const ulong Entry = 0;
    private const ulong Exit = 1;
    private const ulong LostRecords = 2;

    // Bits in the header of info: sessions, addresses relative to modules, the limit of nesting.
    private const ulong Features = 1 << 1 | 1 << 5 | 1 << 6;

    // Lines that info has: exename, cmdline, taskinfo, record_date, pattern_type, uftrace_version.
    private const ulong Lines = 1 << 0 | 1 << 3 | 1 << 7 | 1 << 11 | 1 << 12 | 1 << 13;

    private readonly string _directory;
    private readonly UftraceModules _modules;

    /// <summary>Threads with the same id, which come one after the other, are one task.</summary>
    private readonly int[] _tasks;
    private readonly List<int> _ids = [];
    private readonly int[] _depths;
    private readonly bool[] _isChosen;
    private readonly bool[] _isWritten;
    private readonly ThreadBuffers _buffers;
    private FileStream? _markStream;
    private Utf8Output? _marks;
    private ulong _begin;

    /// <param name="file">The trace.</param>
    /// <param name="directory">An empty directory.</param>
    public UftraceDump(TraceFile file, string directory)
        : base(file)
    {
        _directory = directory;
        _modules = new UftraceModules(file);
        _tasks = new int[file.Threads.Count];
        _depths = new int[file.Threads.Count];
        var byId = new Dictionary<int, int>();
        for (int i = 0; i < _tasks.Length; i++)
        {
            int id = file.Threads[i].Id;
            if (!byId.TryGetValue(id, out _tasks[i]))
            {
                _tasks[i] = _ids.Count;
                byId.Add(id, _ids.Count);
                _ids.Add(id);
            }
        }

        _isChosen = new bool[_ids.Count];
        _isWritten = new bool[_ids.Count];
        _buffers = new ThreadBuffers(_ids.Count, Append);
    }

    /// <summary>Calls inside <see cref="MaxDepth"/> others.</summary>
    public ulong LeftOut { get; private set; }

    public void Dispose()
    {
        _marks?.Dispose();
        _marks = null;
        _markStream?.Dispose();
        _markStream = null;
    }

    public override void Begin(ulong time, IReadOnlyList<TraceThread> threads)
    {
        _begin = time;
        foreach (TraceThread thread in threads)
        {
            _isChosen[_tasks[thread.Index]] = true;
        }
    }

    public override void OnSliceBegin(int thread, ulong time, int function, SliceBegin how)
    {
        int depth = _depths[thread]++;
        if (depth >= MaxDepth)
        {
            LeftOut++;
            return;
        }

        Put(thread, time, Entry, depth, _modules.AddressOf(function));
    }

    public override void OnSliceEnd(int thread, ulong time, int function, SliceEnd how)
    {
        int depth = --_depths[thread];
        if (depth < MaxDepth)
        {
            Put(thread, time, Exit, depth, _modules.AddressOf(function));
        }
    }

    public override void OnEntry(int thread, ulong time, int function)
    {
        OnSliceBegin(thread, time, function, SliceBegin.Called);
        OnSliceEnd(thread, time, function, SliceEnd.NotSeen);
    }

    public override void OnMark(int thread, ulong time, ReadOnlySpan<byte> text)
    {
        string clean = CleanText.Of(Encoding.UTF8.GetString(text)).Trim();
        if (clean.Length == 0)
        {
            return;
        }

        if (clean.Length > MaxMark / 3)
        {
            clean = clean[..(MaxMark / 3 - (char.IsHighSurrogate(clean[MaxMark / 3 - 1]) ? 1 : 0))];
        }

        _markStream ??= System.IO.File.Create(Path.Combine(_directory, "extern.dat"));
        _marks ??= new Utf8Output(_markStream);
        _marks.WriteFixed(time, 1_000_000_000, 9).Write((byte)' ').Write(clean).Line();
    }

    public override void OnLost(int thread, ulong time, ulong count, bool isBlocks)
    {
        if (!isBlocks)
        {
            Put(thread, time, LostRecords, 0, count);
        }
    }

    public override void End(ulong time)
    {
        for (int task = 0; task < _ids.Count; task++)
        {
            _buffers.Flush(task);
        }

        Dispose();
        string session = _begin.ToString("x16", CultureInfo.InvariantCulture);
        _modules.Write(_directory, session);
        WriteTasks(session);
        WriteInfo(time);
    }

    private void Put(int thread, ulong time, ulong type, int depth, ulong address)
    {
        Span<byte> record = _buffers.Room(_tasks[thread], RecordSize);
        BinaryPrimitives.WriteUInt64LittleEndian(record, time);
        BinaryPrimitives.WriteUInt64LittleEndian(record[8..], type | Magic << 3 | (ulong)depth << 6 | address << 16);
        _buffers.Add(_tasks[thread], RecordSize);
    }

    private void Append(int task, ReadOnlySpan<byte> bytes)
    {
        _isWritten[task] = true;
        using var stream = new FileStream(Path.Combine(_directory, $"{_ids[task]}.dat"), FileMode.Append, FileAccess.Write, FileShare.Read, 0);
        stream.Write(bytes);
    }

    private void WriteTasks(string session)
    {
        using FileStream stream = System.IO.File.Create(Path.Combine(_directory, "task.txt"));
        using var output = new Utf8Output(stream);
        ulong process = (ulong)ThreadNames.ProcessId(File);
        output.Write("SESS timestamp="u8).WriteFixed(_begin, 1_000_000_000, 9).Write(" pid="u8).Write(process);
        output.Write(" sid="u8).Write(session).Write(" exename=\""u8).Write(_modules.Executable).Write("\"\n"u8);
        for (int task = 0; task < _ids.Count; task++)
        {
            if (!_isChosen[task])
            {
                continue;
            }

            output.Write("TASK timestamp="u8).WriteFixed(_begin, 1_000_000_000, 9);
            output.Write(" tid="u8).Write((ulong)_ids[task]).Write(" pid="u8).Write(process).Line();
        }
    }

    private void WriteInfo(ulong end)
    {
        using FileStream stream = System.IO.File.Create(Path.Combine(_directory, "info"));
        using var output = new Utf8Output(stream);
        WriteHeader(output);
        var tasks = new List<int>();
        for (int task = 0; task < _ids.Count; task++)
        {
            if (_isWritten[task])
            {
                tasks.Add(_ids[task]);
            }
        }

        string command = CleanText.Of(string.Join(' ', File.Process.Arguments));
        output.Write("exename:"u8).Write(_modules.Executable).Line();
        output.Write("cmdline:"u8).Write(command.Length > MaxMark ? command[..MaxMark] : command).Line();
        output.Write("taskinfo:lines=2\ntaskinfo:nr_tid="u8).Write((ulong)tasks.Count).Write("\ntaskinfo:tids="u8);
        output.Write(string.Join(',', tasks)).Line();
        DateTime date = DateTime.UnixEpoch.AddTicks((long)(File.Clock.ToRealtime(File.Header.Start.Time) / 100));
        output.Write("record_date:"u8).Write(date.ToString("ddd MMM d HH:mm:ss yyyy 'UTC'", CultureInfo.InvariantCulture)).Line();
        output.Write("elapsed_time:"u8).WriteFixed(end - _begin, 1_000_000_000, 9).Write(" sec\n"u8);
        output.Write("pattern_type:regex\nuftrace_version:libftrace "u8).Write(File.Header.LibraryVersion.ToString()).Line();
    }

    private static void WriteHeader(Utf8Output output)
    {
        Span<byte> header = stackalloc byte[40];
        header.Clear();
        "Ftrace!\0"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], 4); // version
        BinaryPrimitives.WriteUInt16LittleEndian(header[12..], (ushort)header.Length);
        header[14] = 1; // little-endian
        header[15] = 2; // 64 bits
        BinaryPrimitives.WriteUInt64LittleEndian(header[16..], Features);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], Lines);
        BinaryPrimitives.WriteUInt16LittleEndian(header[32..], MaxDepth);
        output.Write(header);
    }
}
