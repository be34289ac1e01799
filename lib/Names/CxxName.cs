using System;

namespace Ftrace.Names;

/// <summary>
/// The parts of a C++ function's name as a demangler writes it: <c>int const&amp; ns::C&lt;A, B&gt;::f(int) const [clone .x]</c>. The
/// result is there for instances of function templates only.
/// </summary>
internal readonly ref struct CxxName
{
    private const byte None = 0;

    /// <summary>What may follow the parameters, each after a space.</summary>
    private static ReadOnlySpan<byte> Qualifiers => "const\0volatile\0&&\0&\0"u8;

    /// <summary>Operators with brackets in their names, a longer one before its own prefixes.</summary>
    private static ReadOnlySpan<byte> Operators => "()\0[]\0->*\0->\0<=>\0<<=\0<<\0<=\0<\0>>=\0>>\0>=\0>\0"u8;

    private static ReadOnlySpan<byte> Operator => "operator"u8;

    /// <summary>How libc++abi begins the suffix of a copy's name.</summary>
    private static ReadOnlySpan<byte> Copy => " (."u8;

    private static ReadOnlySpan<byte> Tag => "[abi:"u8;

    private readonly int _start;
    private readonly int _parameters;

    /// <summary>Where the parameters end.</summary>
    private readonly int _end;

    /// <param name="all">The name.</param>
    /// <param name="isPlain">It is the name of a function, not of something derived from one, such as a thunk.</param>
    public CxxName(ReadOnlySpan<byte> all, bool isPlain)
    {
        All = all;
        IsPlain = isPlain;
        _parameters = ParametersOf(all, out _end);
        _start = isPlain ? StartOf(all[.._parameters]) : 0;
    }

    public ReadOnlySpan<byte> All { get; }

    public bool IsPlain { get; }

    /// <summary>Name and parameters.</summary>
    public ReadOnlySpan<byte> WithoutResult => All[_start..];

    /// <summary>The name only: neither the result, nor the parameters and what follows them.</summary>
    public ReadOnlySpan<byte> WithoutParameters => All[_start.._parameters];

    /// <summary>
    /// Name and parameters without the qualifiers after them; all of it for a copy, which the full name of the original does not select.
    /// </summary>
    public ReadOnlySpan<byte> WithoutQualifiers => IsCopy ? WithoutResult : All[_start.._end];

    /// <summary>True if there may be something in the name that <see cref="Shorten"/> leaves out.</summary>
    public bool HasOmissions => WithoutParameters.IndexOfAny((byte)'<', (byte)'[') >= 0;

    private bool IsCopy => StartOfClone(All) >= 0;

    /// <summary>Writes the name, without the result, in a form that people use: without its ABI tags, and without template arguments.</summary>
    /// <param name="to">Parameters that do not fit are left out; <see cref="WithoutResult"/> has room for all.</param>
    /// <param name="omission">What is left out besides the tags.</param>
    /// <param name="parameters">Where the parameters begin in what was written.</param>
    /// <param name="end">Where they end.</param>
    /// <returns>How many bytes were written; 0 if not even the name fits.</returns>
    public int Shorten(Span<byte> to, CxxOmission omission, out int parameters, out int end)
    {
        ReadOnlySpan<byte> name = WithoutParameters;
        int first = omission switch
        {
            CxxOmission.Tags => name.Length,
            CxxOmission.LastArguments => LastPartOf(name),
            _ => 0,
        };
        int length = 0;
        int roundDepth = 0;
        int angleDepth = 0; // of arguments that are left out
        for (int at = 0; at < name.Length; at++)
        {
            int same = 1; // bytes that belong together
            if (name[at] == 'o' && IsOperator(name, at))
            {
                same = Operator.Length + FindIn(Operators, name[(at + Operator.Length)..]);
            }
            else if (name[at] == '[' && name[at..].StartsWith(Tag) && name[at..].IndexOf((byte)']') is int close and > 0)
            {
                at += close;
                continue;
            }
            else if (name[at] is (byte)'(' or (byte)'[' or (byte)'{')
            {
                roundDepth++;
            }
            else if (name[at] is (byte)')' or (byte)']' or (byte)'}')
            {
                roundDepth--;
            }
            else if (name[at] == '<' && roundDepth == 0 && at >= first)
            {
                // After the name of an operator is a space: operator< <int>.
                length -= angleDepth == 0 && length > 0 && to[length - 1] == ' ' ? 1 : 0;
                angleDepth++;
            }
            else if (name[at] == '>' && roundDepth == 0 && angleDepth > 0)
            {
                angleDepth--;
                continue;
            }

            if (angleDepth == 0)
            {
                if (same > to.Length - length)
                {
                    return parameters = end = 0;
                }

                name.Slice(at, same).CopyTo(to[length..]);
                length += same;
            }

            at += same - 1;
        }

        parameters = end = length;
        if (All[_parameters..].TryCopyTo(to[length..]))
        {
            end += _end - _parameters;
            length += All.Length - _parameters;
        }

        return length;
    }

    /// <summary>Of the name of an operator, such as <c>operator[]</c>, that begins here; 0: none does.</summary>
    public static int LengthOfOperator(ReadOnlySpan<byte> name, int at) =>
        name[at] == 'o' && IsOperator(name, at) ? Operator.Length + FindIn(Operators, name[(at + Operator.Length)..]) : 0;

    /// <summary>Where the part after the last "::" begins that is in no brackets.</summary>
    private static int LastPartOf(ReadOnlySpan<byte> name)
    {
        int last = 0;
        int depth = 0;
        for (int at = 0; at < name.Length; at++)
        {
            switch (name[at])
            {
                case (byte)'(' or (byte)'[' or (byte)'{' or (byte)'<':
                    depth++;
                    break;
                case (byte)')' or (byte)']' or (byte)'}' or (byte)'>':
                    depth--;
                    break;
                case (byte)':' when depth == 0:
                    last = at + 1;
                    break;
                case (byte)'o' when IsOperator(name, at):
                    at += Operator.Length - 1;
                    at += FindIn(Operators, name[(at + 1)..]);
                    break;
            }
        }

        return last;
    }

    /// <summary>Where the parameters begin: the last group in parentheses, before the suffix of a copy's name.</summary>
    private static int ParametersOf(ReadOnlySpan<byte> name, out int end)
    {
        end = name.Length;
        for (int before = -1; before != end;)
        {
            before = end;
            ReadOnlySpan<byte> rest = name[..end];
            int clone = StartOfClone(rest);
            end = clone >= 0 ? clone : end - LengthOfQualifier(rest);
        }

        int depth = 0;
        for (int at = end - 1; at >= 0 && name[end - 1] == ')'; at--)
        {
            depth += name[at] == ')' ? 1 : 0;
            depth -= name[at] == '(' ? 1 : 0;
            if (depth == 0)
            {
                return at;
            }
        }

        end = name.Length;
        return name.Length;
    }

    /// <summary>Where the suffix begins that a copy's name ends with; -1: there is none.</summary>
    private static int StartOfClone(ReadOnlySpan<byte> name)
    {
        if (name.EndsWith("]"u8))
        {
            return name.LastIndexOf(" [clone "u8);
        }

        int start = name.EndsWith(")"u8) ? name.LastIndexOf(Copy) : -1;
        return start >= 0 && name[start + Copy.Length] == '.' ? -1 : start; // int (...), a type
    }

    /// <summary>Of the qualifier at the end, with its space; 0: there is none.</summary>
    private static int LengthOfQualifier(ReadOnlySpan<byte> name)
    {
        int space = name.LastIndexOf((byte)' ');
        return space > 0 && FindIn(Qualifiers, name[(space + 1)..]) == name.Length - space - 1 ? name.Length - space : 0;
    }

    /// <summary>Where the result ends: after the last space that is neither in brackets nor in an operator's name.</summary>
    private static int StartOf(ReadOnlySpan<byte> name)
    {
        int start = 0;
        int roundDepth = 0; // and of the like
        int angleDepth = 0; // outside of those: in them < may be an operator
        for (int at = 0; at < name.Length; at++)
        {
            switch (name[at])
            {
                case (byte)'(' or (byte)'[' or (byte)'{':
                    roundDepth++;
                    break;
                case (byte)')' or (byte)']' or (byte)'}':
                    roundDepth--;
                    break;
                case (byte)'<' when roundDepth == 0:
                    angleDepth++;
                    break;
                case (byte)'>' when roundDepth == 0:
                    angleDepth--;
                    break;
                case (byte)' ' when roundDepth == 0 && angleDepth == 0 && FindIn(Qualifiers, name[(at + 1)..]) == 0:
                    start = at + 1;
                    break;
                case (byte)'o' when IsOperator(name, at):
                    if (roundDepth == 0 && angleDepth == 0)
                    {
                        return start;
                    }

                    at += Operator.Length - 1;
                    at += FindIn(Operators, name[(at + 1)..]);
                    break;
            }
        }

        return start;
    }

    private static bool IsOperator(ReadOnlySpan<byte> name, int at)
    {
        int end = at + Operator.Length;
        return name[at..].StartsWith(Operator) && (at == 0 || !IsWord(name[at - 1])) && (end == name.Length || !IsWord(name[end]));
    }

    /// <summary>The length of the list's word that the text begins with, if it is not just part of a longer word; 0: none.</summary>
    private static int FindIn(ReadOnlySpan<byte> list, ReadOnlySpan<byte> text)
    {
        while (!list.IsEmpty)
        {
            int length = list.IndexOf(None);
            if (text.StartsWith(list[..length]) && !(IsWord(list[0]) && length < text.Length && IsWord(text[length])))
            {
                return length;
            }

            list = list[(length + 1)..];
        }

        return 0;
    }

    public static bool IsWord(byte c) => c is (>= (byte)'a' and <= (byte)'z') or (>= (byte)'A' and <= (byte)'Z') or (>= (byte)'0' and <= (byte)'9') or (byte)'_' or >= 0x80;
}
