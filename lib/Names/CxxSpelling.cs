using System;

namespace Ftrace.Names;

/// <summary>
/// Writes C++ names, and patterns of them, in one spelling: as people write them, who leave out default template arguments of the standard
/// library, and say <c>const std::string&amp;</c>, where a demangler writes
/// <c>std::__cxx11::basic_string&lt;char, std::char_traits&lt;char&gt;, std::allocator&lt;char&gt; &gt; const&amp;</c>. Here both
/// are <c>std::string const&amp;</c>.
/// </summary>
internal ref struct CxxSpelling
{
    private const int MostDepth = 64;

    /// <summary>The default arguments that can be recognized: each with the first argument as its own.</summary>
    private static ReadOnlySpan<byte> Defaults => "allocator\0char_traits\0less\0equal_to\0hash\0default_delete\0"u8;

    /// <summary>Namespaces that only the library's version needs.</summary>
    private static ReadOnlySpan<byte> InlineNamespaces => "__cxx11::\0__1::\0__ndk1::\0_V2::\0"u8;

    /// <summary>The letters before the name of a string or stream of such characters.</summary>
    private static ReadOnlySpan<byte> Characters => "char\0\0wchar_t\0w\0char8_t\0u8\0char16_t\0u16\0char32_t\0u32\0"u8;

    private static ReadOnlySpan<byte> Std => "std::"u8;

    private static ReadOnlySpan<byte> BasicPrefix => "basic_"u8;

    private static ReadOnlySpan<byte> Const => "const "u8;

    private static ReadOnlySpan<byte> ConstAfter => " const"u8;

    private readonly ReadOnlySpan<byte> _text;
    private readonly Span<byte> _to;
    private readonly Span<short> _open; // where the brackets are in what was written
    private int _length;
    private int _depth;

    /// <summary>Bit n: a <c>const</c> was before the type that is being written at depth n.</summary>
    private ulong _const;

    private CxxSpelling(ReadOnlySpan<byte> text, Span<byte> to, Span<short> open)
    {
        _text = text;
        _to = to;
        _open = open;
    }

    /// <summary>False if the text certainly is as it would be written.</summary>
    public static bool MayDiffer(ReadOnlySpan<byte> text) => text.IndexOfAny((byte)' ', (byte)'<') >= 0 || text.IndexOf("::_"u8) >= 0;

    /// <summary>Writes a name, or a pattern, whose sets and escapes stay as they are.</summary>
    /// <param name="text">At most 32,767 bytes.</param>
    /// <param name="isPattern">It is a pattern.</param>
    /// <param name="to">Room for as many bytes.</param>
    /// <returns>How many bytes were written; 0: it cannot be written so.</returns>
    public static int Write(ReadOnlySpan<byte> text, bool isPattern, Span<byte> to)
    {
        Span<short> open = stackalloc short[MostDepth];
        var spelling = new CxxSpelling(text, to, open);
        return spelling.Write(isPattern) ? spelling._length : 0;
    }

    private bool Write(bool isPattern)
    {
        for (int at = 0; at < _text.Length;)
        {
            int used = LengthOfVerbatim(at, isPattern);
            if (used != 0)
            {
                Add(_text.Slice(at, used));
                at += used;
                continue;
            }

            used = LengthOfOmitted(at);
            if (used != 0)
            {
                at += used;
                continue;
            }

            if (!AddOne(_text[at]))
            {
                return false;
            }

            at++;
        }

        AddConst();
        return true;
    }

    /// <summary>What has another meaning than its characters have elsewhere: operators; in a pattern sets, and escaped characters.</summary>
    private readonly int LengthOfVerbatim(int at, bool isPattern)
    {
        if (isPattern && _text[at] == '\\')
        {
            return Math.Min(2, _text.Length - at);
        }

        if (isPattern && _text[at] == '[')
        {
            return Glob.LengthOfSet(_text, at, GlobSyntax.Cxx);
        }

        int length = CxxName.LengthOfOperator(_text, at);
        bool hasSpace = length != 0 && at + length + 1 < _text.Length && _text[at + length] == ' ' && _text[at + length + 1] is (byte)'<' or (byte)'>';
        return hasSpace ? length + 1 : length;
    }

    /// <summary>
    /// A space that need not be there, an inline namespace, the type of a number, or a <c>const</c> that is written after its type.
    /// </summary>
    private int LengthOfOmitted(int at)
    {
        ReadOnlySpan<byte> rest = _text[at..];
        byte last = _length == 0 ? (byte)'(' : _to[_length - 1];
        if (rest[0] == ' ')
        {
            byte next = rest.Length > 1 ? rest[1] : (byte)0;
            bool isBeforeMark = next is (byte)'*' or (byte)'>' or (byte)',' or (byte)')' || (next == '&' && last != ')');
            return isBeforeMark || last is (byte)',' or (byte)'(' or (byte)'<' ? 1 : 0;
        }

        if (rest[0] == 'c' && last is (byte)'(' or (byte)',' or (byte)'<' && rest.StartsWith(Const))
        {
            _const |= 1ul << _depth;
            return Const.Length;
        }

        if (rest[0] == '_' && last == ':')
        {
            return LengthOfListed(InlineNamespaces, rest);
        }

        return rest[0] is (byte)'u' or (byte)'l' && IsDigit(last) ? LengthOfSuffix(rest) : 0;
    }

    /// <summary>The length of the suffix that the text begins with, if a number was written that is a template argument: <c>4ul</c>.</summary>
    private readonly int LengthOfSuffix(ReadOnlySpan<byte> text)
    {
        int begin = _length;
        while (begin > 0 && IsDigit(_to[begin - 1]))
        {
            begin--;
        }

        begin -= begin > 0 && _to[begin - 1] == '-' ? 1 : 0;
        int length = text.IndexOfAnyExcept((byte)'u', (byte)'l');
        return length > 0 && text[length] is (byte)',' or (byte)'>' && begin > 0 && _to[begin - 1] is (byte)',' or (byte)'<' ? length : 0;
    }

    private static bool IsDigit(byte c) => c is >= (byte)'0' and <= (byte)'9';

    private static int LengthOfListed(ReadOnlySpan<byte> list, ReadOnlySpan<byte> text)
    {
        while (!list.IsEmpty)
        {
            int length = list.IndexOf((byte)0);
            if (text.StartsWith(list[..length]))
            {
                return length;
            }

            list = list[(length + 1)..];
        }

        return 0;
    }

    private bool AddOne(byte c)
    {
        switch (c)
        {
            case (byte)'*' or (byte)'&' or (byte)',':
                AddConst();
                break;
            case (byte)'(' or (byte)'[' or (byte)'{' or (byte)'<':
                return Open(c);
            case (byte)')' or (byte)']' or (byte)'}':
                Close(c);
                return true;
            case (byte)'>' when IsOpen((byte)'<') && !(_length > 0 && _to[_length - 1] == '-'):
                CloseArguments();
                return true;
        }

        Add(c);
        return true;
    }

    private void Add(byte c) => _to[_length++] = c;

    private void Add(ReadOnlySpan<byte> text)
    {
        text.CopyTo(_to[_length..]);
        _length += text.Length;
    }

    /// <summary>Writes the <c>const</c> that was before the type which ends here.</summary>
    private void AddConst()
    {
        if ((_const & (1ul << _depth)) != 0)
        {
            _const &= ~(1ul << _depth);
            Add(ConstAfter);
        }
    }

    private readonly bool IsOpen(byte bracket) => _depth > 0 && _to[_open[_depth - 1]] == bracket;

    private bool Open(byte c)
    {
        // Of const int (*)(int) the type would end here.
        if (_depth == MostDepth - 1 || (c == '(' && (_const & (1ul << _depth)) != 0))
        {
            return false;
        }

        _open[_depth++] = (short)_length;
        _const &= ~(1ul << _depth);
        Add(c);
        return true;
    }

    /// <summary>A bracket; one that is still open within it was an operator.</summary>
    private void Close(byte c)
    {
        byte opening = c switch
        {
            (byte)')' => (byte)'(',
            (byte)']' => (byte)'[',
            _ => (byte)'{',
        };
        while (IsOpen((byte)'<') && opening == '(')
        {
            AddConst();
            _depth--;
        }

        AddConst();
        _depth -= IsOpen(opening) ? 1 : 0;
        Add(c);
    }

    private void CloseArguments()
    {
        AddConst();
        int open = _open[--_depth];
        ReadOnlySpan<byte> first = _to[(open + 1)..EndOfArgument(open + 1)];
        for (int last = LastArgument(open); last != 0 && IsDefault(_to[last.._length], first); last = LastArgument(open))
        {
            _length = last - 1; // the comma too
        }

        Add((byte)'>');
        Abbreviate(open);
    }

    /// <summary>Where the argument ends that begins at a place.</summary>
    private readonly int EndOfArgument(int at)
    {
        int depth = 0;
        while (at < _length && (depth > 0 || _to[at] != ','))
        {
            depth += DepthOf(_to[at]);
            at++;
        }

        return at;
    }

    /// <summary>Where the last argument begins, if it is not the first one too; else 0.</summary>
    private readonly int LastArgument(int open)
    {
        int begin = open + 1;
        for (int end = EndOfArgument(begin); end < _length; end = EndOfArgument(begin))
        {
            begin = end + 1;
        }

        return begin == open + 1 ? 0 : begin;
    }

    private static int DepthOf(byte c) => c switch
    {
        (byte)'(' or (byte)'[' or (byte)'{' or (byte)'<' => 1,
        (byte)')' or (byte)']' or (byte)'}' or (byte)'>' => -1,
        _ => 0,
    };

    private static bool IsDefault(ReadOnlySpan<byte> argument, ReadOnlySpan<byte> first)
    {
        if (!argument.StartsWith(Std) || !argument.EndsWith(">"u8))
        {
            return false;
        }

        argument = argument[Std.Length..^1];
        int name = argument.IndexOf((byte)'<');
        if (name <= 0 || LengthOfListed(Defaults, argument) != name)
        {
            return false;
        }

        ReadOnlySpan<byte> own = argument[(name + 1)..];
        ReadOnlySpan<byte> pair = "std::pair<"u8; // what a map allocates
        bool isPair = own.StartsWith(pair) && own[pair.Length..].StartsWith(first) && own[(pair.Length + first.Length)..].StartsWith(" const,"u8);
        return own.SequenceEqual(first) || (isPair && argument.StartsWith("allocator"u8));
    }

    /// <summary>Makes <c>std::string</c> of <c>std::basic_string&lt;char&gt;</c>, and the like.</summary>
    private void Abbreviate(int open)
    {
        int name = _to[..open].LastIndexOf((byte)':') + 1;
        bool isBasic = _to[name..open].StartsWith(BasicPrefix) && _to[..name].EndsWith(Std) && (name == Std.Length || !CxxName.IsWord(_to[name - Std.Length - 1]));
        ReadOnlySpan<byte> list = isBasic ? Characters : default;
        while (!list.IsEmpty)
        {
            int length = list.IndexOf((byte)0);
            ReadOnlySpan<byte> type = list[..length];
            list = list[(length + 1)..];
            length = list.IndexOf((byte)0);
            if (_to[(open + 1)..(_length - 1)].SequenceEqual(type))
            {
                Span<byte> rest = _to[(name + BasicPrefix.Length)..open];
                list[..length].CopyTo(_to[name..]);
                rest.CopyTo(_to[(name + length)..]);
                _length = name + length + rest.Length;
                return;
            }

            list = list[(length + 1)..];
        }
    }
}
