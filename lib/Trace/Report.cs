using System;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using Ftrace.Sites;
using Ftrace.Text;

namespace Ftrace.Trace;

/// <summary>Lines for the host's print function. The kernel's ftrace_bug().</summary>
internal static unsafe class Report
{
    private const int LineSize = 512;
    private const int LongestName = 200;

    private static ReadOnlySpan<byte> Digits => "0123456789abcdef"u8;

    /// <summary>Something else stands at a site than what we left there.</summary>
    public static void OtherCode(Site* site, FtracePatch* patch)
    {
        ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(Demangler.NameOf(site));
        OtherCode(name.IsEmpty ? "a function without a name"u8 : name[..Math.Min(name.Length, LongestName)], patch);
    }

    /// <summary>The same for what is no function's entry.</summary>
    public static void OtherCode(ReadOnlySpan<byte> what, FtracePatch* patch)
    {
        void* print = SharedState.Get->Trace.Print;
        if (print == null)
        {
            return;
        }

        byte* line = stackalloc byte[LineSize];
        var rest = new Span<byte>(line, LineSize);
        Append(ref rest, "ftrace: "u8);
        Append(ref rest, what);
        Append(ref rest, " at 0x"u8);
        Utf8Formatter.TryFormat(patch->Ip, rest, out int digits, 'x');
        rest = rest[digits..];
        Append(ref rest, ": expected"u8);
        AppendBytes(ref rest, patch->OldCode, (int)patch->Len);
        Append(ref rest, ", found"u8);
        AppendBytes(ref rest, (byte*)patch->Ip, (int)patch->Len);
        rest[0] = 0;
        ((delegate* unmanaged[Cdecl]<byte*, void>)print)(line);
    }

    private static void Append(ref Span<byte> rest, ReadOnlySpan<byte> text)
    {
        text.CopyTo(rest);
        rest = rest[text.Length..];
    }

    private static void AppendBytes(ref Span<byte> rest, byte* bytes, int count)
    {
        for (int i = 0; i < count; i++)
        {
            rest[0] = (byte)' ';
            rest[1] = Digits[bytes[i] >> 4];
            rest[2] = Digits[bytes[i] & 15];
            rest = rest[3..];
        }
    }
}
