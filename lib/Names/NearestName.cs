using System;

namespace Ftrace.Names;

/// <summary>
/// Compares names with a pattern that matches none of them, to find the one that was probably meant: with the fewest letters changed, added
/// or left out, or else the shortest that contains the pattern's text. Upper and lower case are the same letter. The work is bounded.
/// </summary>
internal ref struct NearestName
{
    public const int NotNear = int.MaxValue;
    private const int ShortestText = 2;
    private const int LongestText = 64;
    private const int MostChanges = 3;

    /// <summary>How a name that contains the text compares with one that is like it.</summary>
    private const int Containing = 1000;

    /// <summary>How many letters are compared with each other, in all names together: some tens of milliseconds.</summary>
    private const int MostWork = 1 << 24;

    private readonly ReadOnlySpan<byte> _text;
    private readonly bool _beginning;
    private readonly bool _end;
    private readonly int _mostChanges;
    private int _work;

    public NearestName(ReadOnlySpan<byte> pattern)
    {
        _text = pattern.Trim((byte)'*');
        _beginning = pattern.EndsWith("*"u8);
        _end = pattern.StartsWith("*"u8);
        _mostChanges = Math.Min(1 + (_text.Length / 4), MostChanges);
        _work = 0;
        if (_text.IndexOfAny("*?[\\"u8) >= 0 || _text.Length < ShortestText)
        {
            _text = default;
        }
    }

    /// <summary>How near a name is: the lower the nearer.</summary>
    public int Compare(ReadOnlySpan<byte> name)
    {
        if (_text.IsEmpty)
        {
            return NotNear;
        }

        int changes = CountChanges(Compared(name));
        if (changes <= _mostChanges)
        {
            return changes;
        }

        return name.IndexOf(_text) >= 0 ? Containing + name.Length : NotNear;
    }

    /// <summary>The part of a name that the pattern's text has to match.</summary>
    private readonly ReadOnlySpan<byte> Compared(ReadOnlySpan<byte> name)
    {
        if (_beginning == _end || name.Length <= _text.Length)
        {
            return name;
        }

        return _beginning ? name[.._text.Length] : name[^_text.Length..];
    }

    /// <summary>The edit distance of Levenshtein; <see cref="NotNear"/> if it is certainly too large, or there was too much work.</summary>
    private int CountChanges(ReadOnlySpan<byte> name)
    {
        if (_text.Length > LongestText || Math.Abs(name.Length - _text.Length) > _mostChanges || _work > MostWork)
        {
            return NotNear;
        }

        _work += _text.Length * name.Length;
        Span<int> row = stackalloc int[LongestText + MostChanges + 1];
        for (int column = 0; column <= name.Length; column++)
        {
            row[column] = column;
        }

        for (int at = 0; at < _text.Length; at++)
        {
            int diagonal = row[0];
            row[0] = at + 1;
            for (int column = 1; column <= name.Length; column++)
            {
                int replaced = diagonal + (Lower(_text[at]) == Lower(name[column - 1]) ? 0 : 1);
                diagonal = row[column];
                row[column] = Math.Min(replaced, Math.Min(row[column], row[column - 1]) + 1);
            }
        }

        return row[name.Length];
    }

    private static int Lower(byte c) => c is >= (byte)'A' and <= (byte)'Z' ? c | 0x20 : c;
}
