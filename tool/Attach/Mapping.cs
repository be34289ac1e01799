using System;
using System.Globalization;

namespace Ftrace.Tool.Attach;

/// <summary>A line of <c>/proc/PID/maps</c>.</summary>
/// <param name="Start">The first address.</param>
/// <param name="End">The one after the last.</param>
/// <param name="Permissions">As <c>r-xp</c>.</param>
/// <param name="Offset">In the file.</param>
/// <param name="Name">The path of the file, a word in brackets, or nothing.</param>
internal readonly record struct Mapping(ulong Start, ulong End, string Permissions, ulong Offset, string Name)
{
    private const string Deleted = " (deleted)";

    public bool IsWritable => Permissions[1] == 'w';

    public bool IsExecutable => Permissions[2] == 'x';

    public bool IsReadable => Permissions[0] == 'r';

    /// <summary>The name of the file without its folder.</summary>
    public ReadOnlySpan<char> FileName
    {
        get
        {
            ReadOnlySpan<char> name = Name.EndsWith(Deleted, StringComparison.Ordinal) ? Name.AsSpan(0, Name.Length - Deleted.Length) : Name;
            return name.StartsWith('/') ? name[(name.LastIndexOf('/') + 1)..] : default;
        }
    }

    public bool Contains(ulong address) => address >= Start && address < End;

    public static bool TryParse(string line, out Mapping mapping)
    {
        mapping = default;
        string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 5 || fields[1].Length < 4)
        {
            return false;
        }

        int dash = fields[0].IndexOf('-');
        if (dash < 0 || !TryParseHex(fields[0].AsSpan(0, dash), out ulong start) || !TryParseHex(fields[0].AsSpan(dash + 1), out ulong end)
            || !TryParseHex(fields[2], out ulong offset) || start >= end)
        {
            return false;
        }

        mapping = new Mapping(start, end, fields[1], offset, fields.Length == 6 ? fields[5].TrimStart() : "");
        return true;
    }

    private static bool TryParseHex(ReadOnlySpan<char> text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
