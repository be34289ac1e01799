using System;
using System.Runtime.CompilerServices;
using Ftrace.Linux;
using Ftrace.Objects;
using Ftrace.Patch;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Trace;

/// <summary>
/// Turns what the compiler left at a function's entry into one nop of five bytes, when the function is traced for the first time.
/// </summary>
/// <remarks>
/// By the stop method: a thread that is between several nops is moved to their end, and so is one that was interrupted there by a
/// signal handler. The nop that is written is a nop from each of its bytes on: any mixture of old and new bytes is nops.
/// </remarks>
internal static unsafe class EntryConversion
{
    private const int PiecesPerSite = 4;
    private const byte OneByteNop = 0x90;

    /// <returns>0 or an -errno of the patcher; after an error nothing has changed.</returns>
    public static int Convert(Site** sites, int count)
    {
        Block memory = Block.Reserve((nuint)count * PiecesPerSite * (nuint)sizeof(FtracePatch));
        if (memory.IsEmpty)
        {
            return -Errno.ENOMEM;
        }

        var patches = (FtracePatch*)memory.Start;
        int pieces = 0;
        LoadedObject* target = null;
        for (int i = 0; i < count; i++)
        {
            if (sites[i]->Current != 0)
            {
                continue;
            }

            if (sites[i]->MayBeCompilersCall && (target == null || !target->Owns(sites[i])))
            {
                target = LoadedObjects.OwnerOf(sites[i]);
            }

            pieces += Add(target, sites[i], patches + pieces);
        }

        int error = pieces == 0 ? 0 : Patcher.Patch(patches, pieces, SitePatcher.Limit(PatchRequest.Single));
        for (int i = 0; i < count && error == 0; i++)
        {
            Site* site = sites[i];
            bool isLong = site->Size == PatchableEntry.LongCallSize && *(byte*)site->Ip == OneByteNop && *(byte*)(site->Ip + 1) != OneByteNop;
            ulong ip = isLong ? site->Ip + 1 : site->Ip; // a nop of one byte, then the site
            var code = new ReadOnlySpan<byte>((byte*)ip, X86Instruction.CallSize);
            if (site->Current != 0 || X86Instruction.NopLength(code) == X86Instruction.CallSize)
            {
                site->Ip = ip;
                site->Size = X86Instruction.CallSize;
                site->IsConverted = true;
            }
        }

        memory.Free();
        return error;
    }

    /// <summary>
    /// Adds the pieces of one site, at most 8 bytes each. None if the code is not as the compiler left it: the patcher finds that when the
    /// site is changed.
    /// </summary>
    [SkipLocalsInit]
    private static int Add(LoadedObject* target, Site* site, FtracePatch* pieces)
    {
        bool mayBeCall = site->MayBeCompilersCall;

        // A copy: what another tool writes meanwhile must not be taken for the old code of a piece.
        int length = Math.Max((int)site->Size, mayBeCall ? PatchableEntry.LongCallSize : X86Instruction.CallSize);
        byte* code = stackalloc byte[PatchableEntry.MaxBytes];
        if (length == X86Instruction.CallSize)
        {
            CallBytes.Copy((byte*)site->Ip, code); // nearly always
        }
        else
        {
            new ReadOnlySpan<byte>((byte*)site->Ip, length).CopyTo(new Span<byte>(code, length));
        }

        int call = mayBeCall ? target->MeasureCall(site->Ip, new ReadOnlySpan<byte>(code, PatchableEntry.LongCallSize)) : 0;
        if (call == PatchableEntry.LongCallSize)
        {
            site->Size = PatchableEntry.LongCallSize; // not known if another tool had changed the site when the object was read
            return AddPiece(pieces, site->Ip, code, call, nopOffset: 1);
        }

        var entry = new ReadOnlySpan<byte>(code, site->Size);
        bool isShortened = site->Size == PatchableEntry.LongCallSize && entry[0] == OneByteNop
            && X86Instruction.NopLength(entry[1..]) == X86Instruction.CallSize; // another copy of this library has done it
        bool isOneNop = site->Size == X86Instruction.CallSize && X86Instruction.NopLength(entry) == site->Size;
        bool isSled = site->Kind == EntryKind.Sled && PatchableEntry.IsSled(entry);
        if (isOneNop || isShortened || (call == 0 && !isSled && !X86Instruction.AreNops(entry)))
        {
            return 0;
        }

        // The end of a longer nop is its displacement, which does not matter: it becomes the nops after the site. A sled is jumped over, so no
        // thread is in it, and its end becomes one nop.
        int count = AddPiece(pieces, site->Ip, code, X86Instruction.CallSize, nopOffset: 0);
        for (int at = X86Instruction.CallSize; at < site->Size; at += X86Instruction.MaxPatch)
        {
            FtracePatch* piece = pieces + count++;
            piece->Ip = site->Ip + (ulong)at;
            piece->Len = (uint)Math.Min(site->Size - at, X86Instruction.MaxPatch);
            new ReadOnlySpan<byte>(code + at, (int)piece->Len).CopyTo(new Span<byte>(piece->OldCode, X86Instruction.MaxPatch));
            new Span<byte>(piece->NewCode, (int)piece->Len).Fill(OneByteNop);
            if (isSled)
            {
                PatchableEntry.EndOfSled.CopyTo(new Span<byte>(piece->NewCode, X86Instruction.MaxPatch));
            }
        }

        return count;
    }

    /// <summary>A piece with the five-byte nop at an offset of 0 or 1, and a nop of one byte before it.</summary>
    private static int AddPiece(FtracePatch* piece, ulong ip, byte* code, int length, int nopOffset)
    {
        piece->Ip = ip;
        piece->Len = (uint)length;
        new ReadOnlySpan<byte>(code, length).CopyTo(new Span<byte>(piece->OldCode, X86Instruction.MaxPatch));
        piece->NewCode[0] = OneByteNop;
        PatchableEntry.Nop5FromAnywhere.CopyTo(new Span<byte>(piece->NewCode + nopOffset, X86Instruction.CallSize));
        return 1;
    }
}
