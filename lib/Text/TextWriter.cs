using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Protocol;
using Ftrace.X86;

namespace Ftrace.Text;

/// <summary>
/// The two ways to write text, for the patcher and for NMIs that write for it: through /proc/self/mem, where no page ever
/// becomes writable, and in place, in pages that were made so.
/// </summary>
/// <remarks>
/// A unit of neighbouring locations is written in one step, and announced to NMIs in one step. In place it is a number
/// of locations, each stored by itself. Through /proc/self/mem, where a call costs as much as writing some
/// kilobytes, it is a run of text with the bytes between the locations unchanged.
/// </remarks>
[NoInstr]
internal static unsafe class TextWriter
{
    /// <summary>Bytes of the longest run.</summary>
    public const int MaxRun = 64 * 1024;

    /// <summary>
    /// A gap of less than a page is in pages that hold the locations around it, so it is readable as they are.
    /// </summary>
    private const ulong MaxGap = Memory.PageSize - 1;

    /// <summary>Locations of a unit in place: an NMI writes so many in less time than announcing them one by one takes.</summary>
    private const int MaxGroup = 64;

    /// <summary>The buffer in which runs are put together; <see cref="MaxRun"/> bytes.</summary>
    private static byte* s_image;

    public static void Attach(byte* image) => s_image = image;

    /// <summary>True while the writer is /proc/self/mem.</summary>
    private static bool IsProcMem(TextState* state) => Volatile.Read(ref state->MemFile) != 0;

    /// <summary>The rank after the last location of the unit that begins at <paramref name="from"/>.</summary>
    /// <remarks>
    /// An instruction that is longer than a location consists of several adjacent locations, and is valid only when all of them
    /// are written: a unit does not end between adjacent locations, unless it has no others.
    /// </remarks>
    public static int EndOfUnit(TextState* state, PatchOrder order, int count, int from)
    {
        int full = IsProcMem(state) ? EndOfRun(order, count, from) : EndOfGroup(count, from);
        int to = full;
        while (to < count && to > from && order.IpOf(to) == order.IpOf(to - 1) + order[to - 1]->Len)
        {
            to--;
        }

        return to > from ? to : full;
    }

    private static int EndOfGroup(int count, int from) => count - from < MaxGroup ? count : from + MaxGroup;

    private static int EndOfRun(PatchOrder order, int count, int from)
    {
        int to = from + 1;
        ulong start = order.IpOf(from);
        ulong end = start + order[from]->Len;
        while (to < count && order.IpOf(to) - end <= MaxGap && order.IpOf(to) + order[to]->Len - start <= MaxRun)
        {
            end = order.IpOf(to) + order[to]->Len;
            to++;
        }

        return to;
    }

    /// <summary>
    /// Prepares a unit for <see cref="Write"/>, which the patcher and NMIs call. The previous unit must not be in use any more.
    /// </summary>
    /// <param name="state">Says which writer it is.</param>
    /// <param name="unit">The locations from the first on.</param>
    /// <param name="count">How many, up to <see cref="EndOfUnit"/>.</param>
    /// <param name="part">Which bytes. In place: all of them.</param>
    /// <param name="code">Which code. In place: the new one.</param>
    /// <param name="newcode">What to give to <see cref="Write"/>.</param>
    /// <returns>The length to give to <see cref="Write"/>.</returns>
    public static uint Prepare(TextState* state, PatchOrder unit, int count, TextPart part, PatchCode code, out byte* newcode)
    {
        if (!IsProcMem(state))
        {
            state->Stride = unit.Stride;
            newcode = unit.Start;
            return (uint)count;
        }

        ulong start = unit.IpOf(0);
        uint length = (uint)(unit.IpOf(count - 1) + unit[count - 1]->Len - start);
        Copy((byte*)start, s_image, length);
        Put(unit, count, part, code, (nint)(s_image - (byte*)start));
        newcode = s_image;
        return length;
    }

    /// <summary>
    /// Writes a unit. Any context: NMIs call this at the same time as the patcher and each other, with the same bytes.
    /// </summary>
    /// <returns>0 or -errno. In place it cannot fail: the pages are writable and have been faulted in.</returns>
    public static int Write(ulong ip, byte* newcode, uint length)
    {
        TextState* state = TextState.Shared;
        if (IsProcMem(state))
        {
            return ProcMem.Write(state->MemFile - 1, ip, newcode, length);
        }

        Put(new PatchOrder { Start = newcode, Stride = state->Stride }, (int)length, TextPart.Whole, PatchCode.New, 0);
        return 0;
    }

    /// <summary>Writes a part of all locations, unit by unit, without announcing them. Called by the patcher only.</summary>
    /// <returns>0 or -errno.</returns>
    public static int WriteAll(TextState* state, PatchOrder order, int count, TextPart part, PatchCode code)
    {
        if (!IsProcMem(state))
        {
            Put(order, count, part, code, 0);
            return 0;
        }

        int error = 0;
        for (int from = 0; from < count && error == 0;)
        {
            int to = EndOfUnit(state, order, count, from);
            var unit = new PatchOrder { Start = order.From(from), Stride = order.Stride };
            uint length = Prepare(state, unit, to - from, part, code, out byte* image);
            error = ProcMem.Write(state->MemFile - 1, unit.IpOf(0), image, length);
            from = to;
        }

        return error;
    }

    /// <summary>Stores a part of locations at their addresses plus <paramref name="delta"/>.</summary>
    private static void Put(PatchOrder order, int count, TextPart part, PatchCode code, nint delta)
    {
        if (part == TextPart.Whole && order.Stride == sizeof(FtracePatch))
        {
            PutCalls(ref order, ref count, code, delta);
        }

        nint offset = FtracePatch.OffsetOf(code);
        for (; count > 0; count--, order.Start += order.Stride)
        {
            FtracePatch* patch = order[0];
            byte* from = (byte*)patch + offset;
            byte* to = (byte*)patch->Ip + delta;

            // No switch: it would become a jump through a table.
            if (part == TextPart.Whole)
            {
                PutWhole(to, from, patch->Len);
            }
            else if (part == TextPart.Breakpoint)
            {
                Volatile.Write(ref *to, X86Instruction.Int3);
            }
            else if (part == TextPart.Head)
            {
                Volatile.Write(ref *to, *from);
            }
            else
            {
                for (uint at = 1; at < patch->Len; at++)
                {
                    Volatile.Write(ref to[at], from[at]);
                }
            }
        }
    }

    /// <summary>Stores the first locations as long as they have five bytes, as most have.</summary>
    private static void PutCalls(ref PatchOrder order, ref int count, PatchCode code, nint delta)
    {
        var patch = (FtracePatch*)order.Start;
        FtracePatch* end = patch + count;
        nint offset = FtracePatch.OffsetOf(code);
        for (; patch != end && patch->Len == X86Instruction.CallSize; patch++)
        {
            CallBytes.Copy((byte*)patch + offset, (byte*)patch->Ip + delta);
        }

        count = (int)(end - patch);
        order.Start = (byte*)patch;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutWhole(byte* to, byte* from, uint length)
    {
        if (length == X86Instruction.CallSize)
        {
            CallBytes.Copy(from, to);
            return;
        }

        for (uint at = 0; at < length; at++)
        {
            Volatile.Write(ref to[at], from[at]);
        }
    }

    /// <summary>Written by hand: a copy of spans calls the C library's memmove, which may be the code that is being patched.</summary>
    private static void Copy(byte* from, byte* to, uint length)
    {
        uint at = 0;
        for (; at + 64 <= length; at += 64)
        {
            Vector128<byte> a = Vector128.Load(from + at);
            Vector128<byte> b = Vector128.Load(from + at + 16);
            Vector128<byte> c = Vector128.Load(from + at + 32);
            Vector128<byte> d = Vector128.Load(from + at + 48);
            a.Store(to + at);
            b.Store(to + at + 16);
            c.Store(to + at + 32);
            d.Store(to + at + 48);
        }

        for (; at < length; at++)
        {
            to[at] = Volatile.Read(ref from[at]);
        }
    }
}
