using System;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>The program or a shared object, as the loader has it. It is in memory of its own, and never moves.</summary>
internal unsafe struct LoadedObject
{
    /// <summary>The object in memory.</summary>
    public ElfImage Image;

    /// <summary>The last walk over the loader's list found it.</summary>
    public bool Seen;

    /// <summary>The file's path, 0-terminated.</summary>
    public byte* Path;

    /// <summary>The file was read: what can be patched is known.</summary>
    public bool IsRead;

    /// <summary>-errno if the file could not be opened.</summary>
    public int OpenError;

    /// <summary>Its sites, sorted by address: an array of <see cref="Site"/>.</summary>
    public Block Sites;

    public int SiteCount;

    /// <summary>Where the first of them is.</summary>
    public ulong SitesFrom;

    /// <summary>From there to the byte after the last one's address.</summary>
    public ulong SiteSpan;

    /// <summary>The stubs of the sites, for calls whose exits are traced, in the same order; 0: none has been needed yet.</summary>
    public ulong GraphStubs;

    /// <summary>Words of the host's for them.</summary>
    public SiteWords Words;

    /// <summary>The next object that has sites.</summary>
    public LoadedObject* NextWithSites;

    /// <summary>
    /// The last entry of the compiler's section whose address is not in the object: another thread is opening the object and has not
    /// relocated it yet, or the entry is wrong. Null: there is none.
    /// </summary>
    public ulong* UnrelocatedEntry;

    /// <summary>It was read while the loader waited: what the loader had not relocated yet was worked out.</summary>
    public bool IsResolved;

    /// <summary>Some sites may have another <see cref="Site.Foreign"/> than <see cref="ForeignState.None"/>.</summary>
    public bool HasForeign;

    /// <summary>How many functions have room for a call, but are not among the sites; known once they were counted.</summary>
    public int UnlistedCount;

    public bool UnlistedAreCounted;

    /// <summary>How many of the sites want other ops than they have.</summary>
    public int Changing;

    /// <summary>The names of the sites' functions, 0-terminated; the first is empty.</summary>
    public Block SiteNames;

    /// <summary>0-terminated; what follows the last slash of <see cref="Path"/>, or "program".</summary>
    public byte* FileName;

    /// <summary>The rules of registered ops have not been applied to its sites yet.</summary>
    public bool IsNew;

    /// <summary>
    /// An ops asked for C++ names that could not be demangled yet, because the C++ library was being opened: which functions it wants is not known.
    /// </summary>
    public bool LacksNames;

    /// <summary>Its branches on static keys, sorted by key: an array of <see cref="JumpSite"/>.</summary>
    public Block Jumps;

    public int JumpCount;

    /// <summary>It has no table of branches, and its linker drops the table unless the code refers to it.</summary>
    public bool MayHaveLostJumps;

    /// <summary>Its branches have not been compared with their keys yet.</summary>
    public bool JumpsAreNew;

    /// <summary>The memory that holds this structure and its strings.</summary>
    public Block Memory;

    public LoadedObject* Next;

    /// <summary>The first grace period that began after the object was closed; 0: none has.</summary>
    public uint RetiredIn;

    /// <summary>The next object that was closed.</summary>
    public LoadedObject* NextDropped;

    /// <summary>It is in another namespace than this library: its functions use another C library.</summary>
    public bool IsElsewhere;

    /// <summary>The recording that knows it, and its number there.</summary>
    public uint RecordedIn;

    public uint RecordNumber;

    /// <summary>See <see cref="ElfImage.ReadIdentity"/>.</summary>
    public ulong Identity;

    /// <summary>True for a site of this object.</summary>
    public readonly bool Owns(Site* site) => (nuint)(site - FirstSite) < (nuint)SiteCount;

    /// <summary>
    /// As <see cref="PatchableEntry.MeasureCall"/>, for code at an address in this object. A direct call of <c>__fentry__</c> stays in the
    /// object: it calls the function, or the object's procedure linkage table. One that leaves it is another tool's.
    /// </summary>
    public readonly int MeasureCall(ulong ip, ReadOnlySpan<byte> code)
    {
        int size = PatchableEntry.MeasureCall(code);
        bool isDirect = size == X86Instruction.CallSize;
        return isDirect && !Image.Contains(X86Instruction.CallTarget(ip, code), 1, ProgramHeader.Code) ? 0 : size;
    }

    [NoInstr]
    public readonly Site* FirstSite => (Site*)Sites.Start;

    /// <summary>The site at an address; null if there is none. Any context.</summary>
    [NoInstr]
    public readonly Site* SiteAt(ulong ip)
    {
        int low = 0;
        int high = SiteCount;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) / 2);
            Site* site = FirstSite + middle;
            if (site->Ip == ip)
            {
                return site;
            }

            low = site->Ip < ip ? middle + 1 : low;
            high = site->Ip < ip ? high : middle;
        }

        return null;
    }

    /// <summary>The site of a function; null if it has none.</summary>
    public readonly Site* SiteOf(ulong start, ulong end)
    {
        int low = 0;
        int high = SiteCount;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) / 2);
            bool before = FirstSite[middle].Ip < start;
            low = before ? middle + 1 : low;
            high = before ? high : middle;
        }

        Site* site = FirstSite + low;
        return low < SiteCount && site->Ip < end && site->Function == start ? site : null;
    }

    public readonly JumpSite* FirstJump => (JumpSite*)Jumps.Start;
}
