using Ftrace.Elf;
using Ftrace.Linux;

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

    /// <summary>
    /// The last entry of the compiler's section whose address is not in the object: another thread is opening the object and has not
    /// relocated it yet, or the entry is wrong. Null: there is none.
    /// </summary>
    public ulong* UnrelocatedEntry;

    /// <summary>It was read while the loader waited: what the loader had not relocated yet was worked out.</summary>
    public bool IsResolved;

    /// <summary>How many of the sites want other ops than they have.</summary>
    public int Changing;

    /// <summary>The names of the sites' functions, 0-terminated; the first is empty.</summary>
    public Block SiteNames;

    /// <summary>0-terminated; what follows the last slash of <see cref="Path"/>, or "program".</summary>
    public byte* FileName;

    /// <summary>The rules of registered ops have not been applied to its sites yet.</summary>
    public bool IsNew;

    /// <summary>Its branches on static keys, sorted by key: an array of <see cref="JumpSite"/>.</summary>
    public Block Jumps;

    public int JumpCount;

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

    /// <summary>See <see cref="ElfImage.ReadIdentity"/>.</summary>
    public ulong Identity;

    [NoInstr]
    public readonly Site* FirstSite => (Site*)Sites.Start;

    public readonly JumpSite* FirstJump => (JumpSite*)Jumps.Start;
}
