using Ftrace.JumpLabel;

namespace Ftrace.Sites;

/// <summary>The program or a shared object, as the loader has it. Lives in memory of its own that never moves.</summary>
internal unsafe struct LoadedObject
{
    /// <summary>Added to the addresses that stand in the file.</summary>
    public ulong Base;

    /// <summary>Its program headers in memory.</summary>
    public ProgramHeader* Headers;

    public int HeaderCount;

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
    public ulong* Unplaced;

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

    /// <summary>See <see cref="ReadIdentity"/>.</summary>
    public ulong Identity;

    [NoInstr]
    public readonly Site* FirstSite => (Site*)Sites.Start;

    public readonly JumpSite* FirstJump => (JumpSite*)Jumps.Start;

    /// <summary>
    /// A number made from the notes in its memory, the build id among them: tells apart versions of a file that are opened one after
    /// the other at the same place. FNV-1a.
    /// </summary>
    public readonly ulong ReadIdentity()
    {
        ulong hash = 0xcbf29ce484222325;
        for (int i = 0; i < HeaderCount; i++)
        {
            ProgramHeader* header = Headers + i;
            if (header->Type == ProgramHeader.Note && Contains(Base + header->Address, header->MemorySize, ProgramHeader.Readable))
            {
                byte* note = (byte*)(Base + header->Address);
                for (ulong at = 0; at < header->MemorySize; at++)
                {
                    hash = (hash ^ note[at]) * 0x100000001b3;
                }
            }
        }

        return hash;
    }

    /// <summary>An address in its first segment; 0 if it has none.</summary>
    public readonly ulong FirstAddress
    {
        get
        {
            for (int i = 0; i < HeaderCount; i++)
            {
                if (Headers[i].Type == ProgramHeader.Load)
                {
                    return Base + Headers[i].Address;
                }
            }

            return 0;
        }
    }

    /// <summary>True if a range lies in a segment that has these permissions (PF_X 1, PF_W 2, PF_R 4).</summary>
    public readonly bool Contains(ulong address, ulong size, uint permissions)
    {
        for (int i = 0; i < HeaderCount; i++)
        {
            ProgramHeader* header = Headers + i;
            ulong start = Base + header->Address;
            if (header->Type == ProgramHeader.Load && (header->Flags & permissions) == permissions
                && address >= start && address - start <= header->MemorySize && size <= header->MemorySize - (address - start))
            {
                return true;
            }
        }

        return false;
    }
}
