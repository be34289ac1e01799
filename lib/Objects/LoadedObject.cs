using Ftrace.Elf;
using Ftrace.Linux;

namespace Ftrace.Objects;

/// <summary>The program or a shared object, as the loader has it. Lives in memory of its own that never moves.</summary>
internal unsafe struct LoadedObject
{
    /// <summary>It in memory.</summary>
    public ElfImage Image;

    /// <summary>The loader's entry for it still is there: set at each look.</summary>
    public bool Seen;

    /// <summary>The file's path, 0-terminated.</summary>
    public byte* Path;

    /// <summary>The file was there and right: what can be patched is known.</summary>
    public bool IsRead;

    /// <summary>Its sites, by address: an array of <see cref="Site"/>.</summary>
    public Block Sites;

    public int SiteCount;

    /// <summary>
    /// The last of the compiler's notes whose address lies nowhere in the object: another thread is opening it and has not relocated
    /// it yet; or the note is about nothing. Null: there is none.
    /// </summary>
    public ulong* UnrelocatedEntry;

    /// <summary>How many of them want other handlers than they have.</summary>
    public int Changing;

    /// <summary>The names of their functions, each with a 0; the first is empty.</summary>
    public Block SiteNames;

    /// <summary>0-terminated; what <see cref="Path"/> has behind its last slash, or "program".</summary>
    public byte* FileName;

    /// <summary>No registered ops has looked at its sites yet.</summary>
    public bool IsNew;

    /// <summary>Its branches on static keys, by key: an array of <see cref="JumpSite"/>.</summary>
    public Block Jumps;

    public int JumpCount;

    /// <summary>Its branches have not been compared with their keys yet.</summary>
    public bool JumpsAreNew;

    /// <summary>Where this lies, with its strings.</summary>
    public Block Memory;

    public LoadedObject* Next;

    /// <summary>The first grace period that began when it was gone; 0: none has.</summary>
    public uint RetiredIn;

    /// <summary>The next one that is gone.</summary>
    public LoadedObject* NextDropped;

    /// <summary>See <see cref="ElfImage.ReadIdentity"/>.</summary>
    public ulong Identity;

    [NoInstr]
    public readonly Site* FirstSite => (Site*)Sites.Start;

    public readonly JumpSite* FirstJump => (JumpSite*)Jumps.Start;
}
