using System;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>Finds the branches on static keys of an object, in its memory.</summary>
internal static unsafe class JumpTable
{
    private const ulong MaxEntries = 1 << 24;

    /// <summary>The section that ftrace/static_key.h fills.</summary>
    public static ReadOnlySpan<byte> Section => "ftrace_jump_table"u8;

    /// <summary>The section that gold adds to what it links.</summary>
    public static ReadOnlySpan<byte> GoldSection => ".note.gnu.gold-version"u8;

    /// <summary>Sorts once, so that the runtime's lazy initialization is done at start-up.</summary>
    public static void WarmUp()
    {
        Span<JumpSite> sites = stackalloc JumpSite[64];
        for (int i = 0; i < sites.Length; i++)
        {
            sites[i].Ip = (ulong)(i * 37 % sites.Length);
        }

        sites.Sort(JumpSite.ByKey);
    }

    /// <summary>Fills in the branches. Invalid entries are skipped: nothing that comes from a file is trusted.</summary>
    /// <returns>False if there is no memory for them.</returns>
    public static bool Read(LoadedObject* target, in ElfSection section)
    {
        ulong count = section.Size / (ulong)sizeof(JumpEntry);
        if (count is 0 or > MaxEntries)
        {
            return true;
        }

        target->Jumps = Block.Allocate((nuint)count * (nuint)sizeof(JumpSite));
        if (target->Jumps.IsEmpty)
        {
            return false;
        }

        var entries = (JumpEntry*)(target->Image.Base + section.Address);
        for (ulong i = 0; i < count; i++)
        {
            JumpSite site = JumpEntry.Read(entries + i);
            if (IsRight(target, site))
            {
                AdoptMark(target, site.Key);
                target->FirstJump[target->JumpCount++] = site;
            }
        }

        target->JumpsAreNew = target->JumpCount != 0;
        new Span<JumpSite>(target->FirstJump, target->JumpCount).Sort(JumpSite.ByKey);
        CountRuns(target);
        return true;
    }

    private static bool IsRight(LoadedObject* target, in JumpSite site) =>
        (ulong)site.Key % sizeof(ulong) == 0
        && target->Image.Contains(site.Ip, X86Instruction.CallSize, ProgramHeader.Code)
        && target->Image.Contains(site.Target, 1, ProgramHeader.Code)
        && target->Image.Contains((ulong)site.Key, (ulong)sizeof(FtraceStaticKey), ProgramHeader.Readable);

    private static void AdoptMark(LoadedObject* target, FtraceStaticKey* key)
    {
        if (MarkKey.Is(key) && target->Image.Contains((ulong)key, (ulong)sizeof(MarkKey), ProgramHeader.Writable))
        {
            MarkKey.Adopt((MarkKey*)key);
        }
    }

    private static void CountRuns(LoadedObject* target)
    {
        JumpSite* first = target->FirstJump;
        JumpSite* end = first + target->JumpCount;
        for (JumpSite* site = first; site < end; site++)
        {
            first = site->Key == first->Key ? first : site;
            first->Run++;
        }
    }
}
