using System;
using System.Buffers.Text;

namespace Ftrace.Names;

/// <summary>
/// Writes the name that a Rust symbol of the new kind, <c>_R...</c>, stands for: without the numbers that keep crates apart, as in
/// <c>&lt;shop::Cart&lt;i64&gt; as shop::Price&gt;::price</c>. Source: RFC 2603, and rustc's documentation of "v0".
/// </summary>
/// <remarks>A part may refer to an earlier one, so a name may be much longer than its symbol. Room, depth and work are bounded.</remarks>
internal ref struct RustV0
{
    public const int MostDepth = 100;
    private const int MostSteps = 10_000;
    private const int MostLifetimes = 1000;

    /// <summary>A letter each, from a on; empty: not a type.</summary>
    private static ReadOnlySpan<byte> Basic =>
        "i8\0bool\0char\0f64\0str\0f32\0\0u8\0isize\0usize\0\0i32\0u32\0i128\0u128\0_\0\0\0i16\0u16\0()\0...\0\0i64\0u64\0!\0"u8;

    /// <summary>The symbol without <c>_R</c>; references are relative to it.</summary>
    private readonly ReadOnlySpan<byte> _symbol;

    private readonly Span<byte> _to;
    private int _at;
    private int _length;
    private int _depth;
    private int _steps;

    /// <summary>Not 0: what is read is not part of the name.</summary>
    private int _silent;

    /// <summary>Lifetimes of the enclosing <c>for&lt;'a&gt;</c>.</summary>
    private ulong _lifetimes;

    private bool _failed;

    private RustV0(ReadOnlySpan<byte> symbol, Span<byte> to)
    {
        _symbol = symbol;
        _to = to;
    }

    /// <summary>Writes the name of a symbol, from which <c>_R</c> and what follows a dot have been removed.</summary>
    /// <returns>How many bytes were written; 0: it is not such a symbol, or the name is too long.</returns>
    public static int Write(ReadOnlySpan<byte> symbol, Span<byte> to)
    {
        var name = new RustV0(symbol, to);
        name.WriteAll();
        return name._failed ? 0 : name._length;
    }

    private void WriteAll()
    {
        if (Peek is < (byte)'A' or > (byte)'Z')
        {
            _failed = true; // another version
            return;
        }

        WritePath(true);
        if (!_failed && _at < _symbol.Length)
        {
            _silent++; // the crate that the instance was made for
            WritePath(false);
            _silent--;
        }

        _failed |= _at != _symbol.Length;
    }

    private readonly byte Peek => _at < _symbol.Length ? _symbol[_at] : (byte)0;

    private byte Next()
    {
        byte c = Peek;
        _failed |= c == 0;
        _at += _failed ? 0 : 1;
        return c;
    }

    private bool Eat(char c)
    {
        bool found = Peek == c && !_failed;
        _at += found ? 1 : 0;
        return found;
    }

    private bool Enter()
    {
        _failed |= _depth >= MostDepth || _steps >= MostSteps;
        _depth++;
        _steps++;
        return !_failed;
    }

    private void Add(scoped ReadOnlySpan<byte> text)
    {
        if (_silent != 0 || _failed)
        {
            return;
        }

        if (text.Length > _to.Length - _length)
        {
            _failed = true;
            return;
        }

        text.CopyTo(_to[_length..]);
        _length += text.Length;
    }

    private void AddNumber(ulong value)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out int length);
        Add(digits[..length]);
    }

    /// <summary>A number to the base 62, and 1; just <c>_</c> is 0.</summary>
    private ulong ReadBase62()
    {
        ulong value = 0;
        bool any = false;
        while (!_failed && !Eat('_'))
        {
            byte c = Next();
            ulong digit = DigitOf(c);
            _failed |= digit >= 62 || value > (ulong.MaxValue - 63) / 62;
            value = (value * 62) + digit;
            any = true;
        }

        return any ? value + 1 : 0;
    }

    private static ulong DigitOf(byte c) => c switch
    {
        >= (byte)'0' and <= (byte)'9' => c - (ulong)'0',
        >= (byte)'a' and <= (byte)'z' => c - (ulong)'a' + 10,
        >= (byte)'A' and <= (byte)'Z' => c - (ulong)'A' + 36,
        _ => ulong.MaxValue,
    };

    private ulong ReadOptional(char mark) => Eat(mark) ? ReadBase62() + 1 : 0;

    /// <summary>A name, and whether it is in Punycode.</summary>
    private ReadOnlySpan<byte> ReadIdentifier(out bool isPunycode)
    {
        isPunycode = Eat('u');
        int length = 0;
        byte first = Next();
        _failed |= first is < (byte)'0' or > (byte)'9';
        length = first - '0';
        while (first != '0' && !_failed && Peek is >= (byte)'0' and <= (byte)'9')
        {
            length = (length * 10) + Next() - '0';
            _failed |= length > _symbol.Length;
        }

        Eat('_'); // before a digit or another one
        if (_failed || length > _symbol.Length - _at)
        {
            _failed = true;
            return default;
        }

        _at += length;
        return _symbol.Slice(_at - length, length);
    }

    private void AddIdentifier(ReadOnlySpan<byte> name, bool isPunycode)
    {
        if (!isPunycode)
        {
            Add(name);
            return;
        }

        if (_silent == 0 && !_failed)
        {
            int written = Punycode.Write(name, _to[_length..]);
            _failed |= written == 0;
            _length += written;
        }
    }

    /// <param name="inValue">In an expression: there <c>::</c> is before the arguments.</param>
    private void WritePath(bool inValue)
    {
        if (Enter())
        {
            byte kind = Next();
            switch (kind)
            {
                case (byte)'C':
                    ReadOptional('s');
                    AddIdentifier(ReadIdentifier(out bool isPunycode), isPunycode);
                    break;
                case (byte)'N':
                    WriteNested(inValue);
                    break;
                case (byte)'M' or (byte)'X' or (byte)'Y':
                    WriteQualified(kind);
                    break;
                case (byte)'I':
                    WritePath(inValue);
                    Add(inValue ? "::<"u8 : "<"u8);
                    WriteArguments();
                    Add(">"u8);
                    break;
                case (byte)'B':
                    WriteReference(kind, inValue);
                    break;
                default:
                    _failed = true;
                    break;
            }
        }

        _depth--;
    }

    private void WriteNested(bool inValue)
    {
        byte space = Next();
        _failed |= !((space | 0x20) is >= (byte)'a' and <= (byte)'z');
        WritePath(inValue);
        ulong number = ReadOptional('s');
        ReadOnlySpan<byte> name = ReadIdentifier(out bool isPunycode);
        if (space is >= (byte)'a' and <= (byte)'z')
        {
            Add(name.IsEmpty ? default : "::"u8);
            AddIdentifier(name, isPunycode);
            return;
        }

        Add("::{"u8);
        AddSpecial(space);
        Add(name.IsEmpty ? default : ":"u8);
        AddIdentifier(name, isPunycode);
        Add("#"u8);
        AddNumber(number);
        Add("}"u8);
    }

    private void AddSpecial(byte space)
    {
        switch (space)
        {
            case (byte)'C':
                Add("closure"u8);
                break;
            case (byte)'S':
                Add("shim"u8);
                break;
            default:
                Add([space]);
                break;
        }
    }

    /// <summary>A type, or a type as a trait; the place of the impl is not part of the name.</summary>
    private void WriteQualified(byte kind)
    {
        if (kind != 'Y')
        {
            ReadOptional('s');
            _silent++;
            WritePath(false);
            _silent--;
        }

        Add("<"u8);
        WriteType();
        if (kind != 'M')
        {
            Add(" as "u8);
            WritePath(false);
        }

        Add(">"u8);
    }

    /// <summary>Something that is earlier in the symbol, a path, type or constant.</summary>
    private void WriteReference(byte kind, bool inValue)
    {
        int start = _at - 1;
        ulong target = ReadBase62();
        _failed |= target >= (ulong)start;
        if (_failed || _silent != 0)
        {
            return;
        }

        int after = _at;
        _at = (int)target;
        switch (kind)
        {
            case (byte)'B':
                WritePath(inValue);
                break;
            case (byte)'T':
                WriteType();
                break;
            default:
                WriteConstant();
                break;
        }

        _at = after;
    }

    private void WriteArguments()
    {
        for (int count = 0; !_failed && !Eat('E'); count++)
        {
            Add(count == 0 ? default : ", "u8);
            if (Eat('L'))
            {
                AddLifetime(ReadBase62());
            }
            else if (Eat('K'))
            {
                WriteConstant();
            }
            else
            {
                WriteType();
            }
        }
    }

    private void AddLifetime(ulong index)
    {
        if (index == 0)
        {
            Add("'_"u8);
            return;
        }

        if (index > _lifetimes)
        {
            _failed = true;
            return;
        }

        ulong depth = _lifetimes - index;
        Add("'"u8);
        if (depth < 26)
        {
            Add([(byte)('a' + depth)]);
            return;
        }

        Add("_"u8);
        AddNumber(depth);
    }

    /// <summary><c>for&lt;'a, 'b&gt;</c>; what it returns is to be subtracted from the lifetimes later.</summary>
    private ulong WriteBinder()
    {
        ulong count = ReadOptional('G');
        _failed |= count > MostLifetimes || _lifetimes > MostLifetimes;
        if (_failed || count == 0)
        {
            return 0;
        }

        Add("for<"u8);
        for (ulong i = 0; i < count; i++)
        {
            Add(i == 0 ? default : ", "u8);
            _lifetimes++;
            AddLifetime(1);
        }

        Add("> "u8);
        return count;
    }

    private void WriteType()
    {
        if (Enter())
        {
            byte kind = Next();
            ReadOnlySpan<byte> basic = BasicOf(kind);
            if (!basic.IsEmpty)
            {
                Add(basic);
            }
            else
            {
                WriteCompound(kind);
            }
        }

        _depth--;
    }

    private static ReadOnlySpan<byte> BasicOf(byte letter)
    {
        ReadOnlySpan<byte> rest = Basic;
        for (int skipped = letter - 'a'; skipped >= 0 && skipped < 26; skipped--)
        {
            int length = rest.IndexOf((byte)0);
            if (skipped == 0)
            {
                return rest[..length];
            }

            rest = rest[(length + 1)..];
        }

        return default;
    }

    private void WriteCompound(byte kind)
    {
        switch (kind)
        {
            case (byte)'R' or (byte)'Q':
                Add("&"u8);
                if (Eat('L') && ReadBase62() is var lifetime and not 0)
                {
                    AddLifetime(lifetime);
                    Add(" "u8);
                }

                Add(kind == 'Q' ? "mut "u8 : default);
                WriteType();
                break;
            case (byte)'P' or (byte)'O':
                Add(kind == 'P' ? "*const "u8 : "*mut "u8);
                WriteType();
                break;
            case (byte)'A' or (byte)'S':
                Add("["u8);
                WriteType();
                if (kind == 'A')
                {
                    Add("; "u8);
                    WriteConstant();
                }

                Add("]"u8);
                break;
            case (byte)'T':
                WriteTuple();
                break;
            case (byte)'F':
                WriteFunction();
                break;
            case (byte)'D':
                WriteDyn();
                break;
            case (byte)'B':
                WriteReference((byte)'T', false);
                break;
            default:
                _at -= _failed ? 0 : 1;
                WritePath(false);
                break;
        }
    }

    private void WriteTuple()
    {
        Add("("u8);
        int count = 0;
        for (; !_failed && !Eat('E'); count++)
        {
            Add(count == 0 ? default : ", "u8);
            WriteType();
        }

        Add(count == 1 ? ",)"u8 : ")"u8);
    }

    private void WriteFunction()
    {
        ulong bound = WriteBinder();
        Add(Eat('U') ? "unsafe "u8 : default);
        if (Eat('K'))
        {
            Add("extern \""u8);
            if (Eat('C'))
            {
                Add("C"u8);
            }
            else
            {
                AddAbi(ReadIdentifier(out _));
            }

            Add("\" "u8);
        }

        Add("fn("u8);
        for (int count = 0; !_failed && !Eat('E'); count++)
        {
            Add(count == 0 ? default : ", "u8);
            WriteType();
        }

        Add(")"u8);
        if (!Eat('u'))
        {
            Add(" -> "u8);
            WriteType();
        }

        _lifetimes -= bound;
    }

    private void AddAbi(ReadOnlySpan<byte> name)
    {
        foreach (byte c in name)
        {
            Add([c == '_' ? (byte)'-' : c]);
        }
    }

    private void WriteDyn()
    {
        Add("dyn "u8);
        ulong bound = WriteBinder();
        for (int count = 0; !_failed && !Eat('E'); count++)
        {
            Add(count == 0 ? default : " + "u8);
            WriteDynTrait();
        }

        _lifetimes -= bound;
        _failed |= !Eat('L');
        ulong lifetime = ReadBase62();
        if (lifetime != 0)
        {
            Add(" + "u8);
            AddLifetime(lifetime);
        }
    }

    /// <summary>A trait whose associated types are written like further arguments.</summary>
    private void WriteDynTrait()
    {
        bool isOpen = WriteOpenPath();
        while (!_failed && Eat('p'))
        {
            Add(isOpen ? ", "u8 : "<"u8);
            isOpen = true;
            AddIdentifier(ReadIdentifier(out bool isPunycode), isPunycode);
            Add(" = "u8);
            WriteType();
        }

        Add(isOpen ? ">"u8 : default);
    }

    /// <summary>A path, without the bracket after its arguments. True if there are any.</summary>
    private bool WriteOpenPath()
    {
        bool isOpen = false;
        if (Enter())
        {
            if (Eat('B'))
            {
                isOpen = WriteOpenReference();
            }
            else if (Eat('I'))
            {
                WritePath(false);
                Add("<"u8);
                WriteArguments();
                isOpen = true;
            }
            else
            {
                WritePath(false);
            }
        }

        _depth--;
        return isOpen;
    }

    private bool WriteOpenReference()
    {
        int start = _at - 1;
        ulong target = ReadBase62();
        _failed |= target >= (ulong)start;
        if (_failed || _silent != 0)
        {
            return false;
        }

        int after = _at;
        _at = (int)target;
        bool isOpen = WriteOpenPath();
        _at = after;
        return isOpen;
    }

    private void WriteConstant()
    {
        if (Enter())
        {
            byte kind = Next();
            switch (kind)
            {
                case (byte)'p':
                    Add("_"u8);
                    break;
                case (byte)'B':
                    WriteReference((byte)'K', false);
                    break;
                case (byte)'a' or (byte)'s' or (byte)'l' or (byte)'x' or (byte)'n' or (byte)'i':
                    Add(Eat('n') ? "-"u8 : default);
                    WriteInteger();
                    break;
                case (byte)'h' or (byte)'t' or (byte)'m' or (byte)'y' or (byte)'o' or (byte)'j':
                    WriteInteger();
                    break;
                case (byte)'b':
                    ulong truth = ReadHex(out _);
                    _failed |= truth > 1;
                    Add(truth == 0 ? "false"u8 : "true"u8);
                    break;
                case (byte)'c':
                    WriteCharacter(ReadHex(out _));
                    break;
                default:
                    _failed = true; // a value of another type, which stable Rust does not have
                    break;
            }
        }

        _depth--;
    }

    /// <summary>A number that <c>_</c> ends; only its digits if it has more than 64 bits.</summary>
    private ulong ReadHex(out ReadOnlySpan<byte> digits)
    {
        int start = _at;
        ulong value = 0;
        while (!_failed && !Eat('_'))
        {
            byte c = Next();
            _failed |= !(c is (>= (byte)'0' and <= (byte)'9') or (>= (byte)'a' and <= (byte)'f'));
            value = (value << 4) | (DigitOf(c) & 15);
        }

        digits = _failed ? default : _symbol[start..(_at - 1)];
        return value;
    }

    private void WriteInteger()
    {
        ulong value = ReadHex(out ReadOnlySpan<byte> digits);
        if (digits.Length <= 16)
        {
            AddNumber(value);
            return;
        }

        Add("0x"u8);
        Add(digits);
    }

    private void WriteCharacter(ulong value)
    {
        Span<byte> text = stackalloc byte[4];
        if (value is > 0x10ffff or (>= 0xd800 and < 0xe000) or < ' ' or 0x7f)
        {
            _failed = true; // or nothing that one would type
            return;
        }

        Add("'"u8);
        Add(text[..new System.Text.Rune((uint)value).EncodeToUtf8(text)]);
        Add("'"u8);
    }
}
