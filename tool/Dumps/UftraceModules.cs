using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Dumps;

/// <summary>The objects of a trace as uftrace has them: a map of addresses, and a file of symbols for each.</summary>
/// <remarks>
/// uftrace has one map for the whole trace. So an object that was opened where another one had been gets an address of its own, and so do
/// functions without an object.
/// </remarks>
internal sealed class UftraceModules
{
    private const ulong Alignment = 1 << 20;

    /// <summary>Room for a function without an object.</summary>
    private const ulong FunctionSize = 16;

    /// <summary>Of a path; uftrace reads lines of 4096 bytes.</summary>
    private const int MaxPath = 1000;

    /// <summary>Where programs and libraries rarely are, and a step to where others are.</summary>
    private const ulong FreeAddresses = 0x100000000000;
    private const ulong LastFreeAddresses = 0x700000000000;

    private const string UnknownPath = "unknown";

    private readonly TraceFile _file;
    private readonly string[] _paths;
    private readonly ulong[] _starts;
    private readonly ulong _unknownStart;

    public UftraceModules(TraceFile file)
    {
        _file = file;
        _paths = new string[file.Objects.Count];
        _starts = new ulong[file.Objects.Count];
        var names = new Dictionary<string, int> { [UnknownPath] = 1 };
        var sorted = new List<TraceObject>(file.Objects);
        sorted.Sort((a, b) => a.Start != b.Start ? a.Start.CompareTo(b.Start) : a.Index.CompareTo(b.Index));
        ulong end = 0;
        var moved = new List<TraceObject>();
        foreach (TraceObject target in sorted)
        {
            _paths[target.Index] = UniquePath(target.Path, names);
            _starts[target.Index] = target.Start;
            if (target.Start < end)
            {
                moved.Add(target);
                continue;
            }

            end = Math.Max(end, target.End);
        }

        ulong free = FreeAddress();
        foreach (TraceObject target in moved)
        {
            _starts[target.Index] = free;
            free += (target.End - target.Start + Alignment - 1) & ~(Alignment - 1);
        }

        _unknownStart = free + Alignment;
        Executable = FindExecutable();
    }

    /// <summary>The path of the executable; it is in the map.</summary>
    public string Executable { get; }

    /// <summary>The address of a function in uftrace's files.</summary>
    public ulong AddressOf(int function)
    {
        TraceObject? target = _file.Symbols.ObjectOf(function);
        return target == null ? _unknownStart + (ulong)function * FunctionSize : _file.Symbols.AddressOf(function) - target.Start + _starts[target.Index];
    }

    /// <summary>Writes the objects of functions that were called; of others uftrace would read what this system has.</summary>
    public void Write(string directory, string session)
    {
        var functions = new List<int>[_paths.Length + 1];
        for (int function = 0; function < _file.Symbols.Count; function++)
        {
            int index = _file.Symbols.ObjectOf(function)?.Index ?? _paths.Length;
            (functions[index] ??= []).Add(function);
        }

        for (int index = 0; index <= _paths.Length; index++)
        {
            if (functions[index] != null)
            {
                WriteSymbols(directory, index, functions[index]);
            }
        }

        WriteMap(Path.Combine(directory, $"sid-{session}.map"), functions);
    }

    private void WriteMap(string path, List<int>?[] functions)
    {
        using FileStream stream = File.Create(path);
        using var output = new Utf8Output(stream);
        foreach (TraceObject target in _file.Objects)
        {
            if (functions[target.Index] == null && _paths[target.Index] != Executable)
            {
                continue;
            }

            ulong start = _starts[target.Index];
            WriteRange(output, start, start + (target.End - target.Start));
            output.Write(_paths[target.Index]);
            if (target.BuildId.Length != 0)
            {
                output.Write(" build-id:"u8).Write(Convert.ToHexStringLower(target.BuildId));
            }

            output.Line();
        }

        WriteRange(output, _unknownStart, _unknownStart + ((ulong)_file.Symbols.Count + 1) * FunctionSize);
        output.Write(UnknownPath).Line();

        // It is taken for a sign of where addresses of the kernel begin.
        output.Write("7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]\n"u8);
    }

    private string FindExecutable()
    {
        foreach (TraceObject target in _file.Objects)
        {
            if (target.Path == _file.Process.Executable)
            {
                return _paths[target.Index];
            }
        }

        return _paths.Length != 0 ? _paths[0] : UnknownPath;
    }

    private ulong FreeAddress()
    {
        ulong free = FreeAddresses;
        foreach (TraceObject target in _file.Objects)
        {
            bool isNear = target.End > free && target.Start < free + FreeAddresses;
            free += isNear && free < LastFreeAddresses ? FreeAddresses : 0;
        }

        return free;
    }

    private void WriteSymbols(string directory, int index, List<int> functions)
    {
        bool isUnknown = index == _paths.Length;
        string path = isUnknown ? UnknownPath : _paths[index];
        ulong start = isUnknown ? _unknownStart : _starts[index];
        functions.Sort((a, b) => AddressOf(a).CompareTo(AddressOf(b)));
        using FileStream stream = File.Create(Path.Combine(directory, $"{Path.GetFileName(path)}.sym"));
        using var output = new Utf8Output(stream);
        output.Write("# symbols: "u8).Write((ulong)functions.Count).Line();
        output.Write("# path name: "u8).Write(path).Line();
        if (!isUnknown && _file.Objects[index].BuildId.Length != 0)
        {
            output.Write("# build-id: "u8).Write(Convert.ToHexStringLower(_file.Objects[index].BuildId)).Line();
        }

        ulong end = 0;
        foreach (int function in functions)
        {
            ulong address = AddressOf(function) - start;
            output.WriteHex(address, 16).Write(" T "u8).Write(_file.Symbols.Name(function)).Line();
            end = address + Math.Max(_file.Symbols.SizeOf(function), FunctionSize);
        }

        // The size of the last one is known by this.
        if (functions.Count != 0)
        {
            output.WriteHex(end, 16).Write(" ? __sym_end\n"u8);
        }
    }

    private static void WriteRange(Utf8Output output, ulong start, ulong end) =>
        output.WriteHex(start, 12).Write((byte)'-').WriteHex(end, 12).Write(" r-xp 00000000 00:00 0                          "u8);

    /// <summary>A path whose last part no other has: that is the name of the file of symbols. White space would end it.</summary>
    private static string UniquePath(string path, Dictionary<string, int> names)
    {
        var clean = new StringBuilder();
        foreach (char c in path.Length <= MaxPath ? path : path[^MaxPath..])
        {
            clean.Append(char.IsWhiteSpace(c) || char.IsControl(c) || c is '"' or '[' or ']' ? '_' : c);
        }

        string first = clean.ToString().TrimEnd('/');
        first = first.Length == 0 ? "object" : first;
        string unique = first;
        while (!names.TryAdd(Path.GetFileName(unique), 1))
        {
            // Counted for each name: a damaged file can have any number of them.
            ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(names, Path.GetFileName(first), out _);
            unique = $"{first}.{++count}";
        }

        return unique;
    }
}
