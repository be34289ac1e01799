using System;

namespace Ftrace.Tool.Attach;

/// <summary>
/// Instructions and functions of libc that calls in the process return to. So no code of the process is changed, and no
/// memory of it is made executable.
/// </summary>
internal sealed class CodeSequences
{
    /// <summary>How much of the code <see cref="IsRestorer"/> wants.</summary>
    public const int LongestRestorer = 9;

    private const int LongestStore = 24;

    /// <summary><c>mov $15, %rax; syscall</c>: rt_sigreturn(2), with the frame at the stack pointer.</summary>
    public ulong Restorer { get; private set; }

    /// <summary><c>syscall; ret</c></summary>
    public ulong SystemCall { get; private set; }

    /// <summary>Stores rax where rbx or rbp says, and returns.</summary>
    public StoreSequence? Store { get; private set; }

    /// <summary><c>pop %rdi; ret</c></summary>
    public ulong PopRdi { get; private set; }

    /// <summary>setcontext(3)</summary>
    public ulong SetContext { get; init; }

    /// <summary>syscall(3)</summary>
    public ulong SystemCallFunction { get; init; }

    /// <summary>True if all of them were found.</summary>
    public bool IsComplete => Restorer != 0 && SystemCall != 0 && PopRdi != 0 && Store != null && SetContext != 0 && SystemCallFunction != 0;

    /// <summary>Looks for those that were not found yet.</summary>
    /// <param name="code">Executable memory of the process.</param>
    /// <param name="start">Its address.</param>
    public void Search(ReadOnlySpan<byte> code, ulong start)
    {
        ReadOnlySpan<byte> restorer = LongRestorer;
        ReadOnlySpan<byte> systemCall = [0x0f, 0x05, 0xc3];
        ReadOnlySpan<byte> popRdi = [0x5f, 0xc3];
        Restorer = Restorer != 0 ? Restorer : Find(code, start, restorer);
        SystemCall = SystemCall != 0 ? SystemCall : Find(code, start, systemCall);
        PopRdi = PopRdi != 0 ? PopRdi : Find(code, start, popRdi);
        Store ??= FindStore(code, start);
    }

    private static ReadOnlySpan<byte> LongRestorer => [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];

    private static ReadOnlySpan<byte> ShortRestorer => [0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05];

    /// <summary>True if the code makes a thread return from a signal handler. <c>mov $15, %eax; syscall</c> does it too.</summary>
    public static bool IsRestorer(ReadOnlySpan<byte> code) => code.StartsWith(LongRestorer) || code.StartsWith(ShortRestorer);

    private static ulong Find(ReadOnlySpan<byte> code, ulong start, ReadOnlySpan<byte> sequence)
    {
        int at = code.IndexOf(sequence);
        return at < 0 ? 0 : start + (ulong)at;
    }

    private static StoreSequence? FindStore(ReadOnlySpan<byte> code, ulong start)
    {
        ReadOnlySpan<byte> store = [0x48, 0x89];
        for (int at = 0; ;)
        {
            int next = code[at..].IndexOf(store);
            if (next < 0)
            {
                return null;
            }

            at += next;
            ReadOnlySpan<byte> rest = code[at..];
            if (TryParseStore(rest[..Math.Min(rest.Length, LongestStore)], start + (ulong)at, out StoreSequence found))
            {
                return found;
            }

            at += store.Length;
        }
    }

    /// <summary><c>mov %rax, disp(%rbx)</c> or <c>(%rbp)</c>, then perhaps <c>add $imm8, %rsp</c>, some <c>pop</c>, and <c>ret</c>.</summary>
    internal static bool TryParseStore(ReadOnlySpan<byte> code, ulong address, out StoreSequence found)
    {
        const byte BaseRbx = 0x03; // mod 0, reg rax, r/m rbx
        const byte BaseRbxShort = 0x43; // mod 1: with a displacement of a byte
        const byte BaseRbpShort = 0x45;

        found = default;
        int at = 3;
        sbyte displacement = 0;
        if (code.Length < 4 || code[0] != 0x48 || code[1] != 0x89 || code[2] is not (BaseRbx or BaseRbxShort or BaseRbpShort))
        {
            return false;
        }

        if (code[2] != BaseRbx)
        {
            displacement = (sbyte)code[at++];
        }

        int words = 0;
        if (code[at..].Length > 4 && code[at..].StartsWith([(byte)0x48, (byte)0x83, (byte)0xc4]))
        {
            if (code[at + 3] % 8 != 0 || code[at + 3] > 0x40)
            {
                return false;
            }

            words += code[at + 3] / 8;
            at += 4;
        }

        for (; at < code.Length; words++)
        {
            bool isLong = code[at] == 0x41 && at + 1 < code.Length && code[at + 1] is >= 0x5c and <= 0x5f;
            if (code[at] is 0x5b or 0x5d)
            {
                at++;
            }
            else if (isLong)
            {
                at += 2;
            }
            else
            {
                break;
            }
        }

        if (at >= code.Length || code[at] != 0xc3)
        {
            return false;
        }

        found = new StoreSequence(address, code[2] == BaseRbpShort, displacement, words, address + (ulong)at);
        return true;
    }
}
