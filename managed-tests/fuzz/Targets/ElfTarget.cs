using System;
using System.Runtime.InteropServices;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.Objects;
using Ftrace.X86;

namespace Ftrace.Fuzz;

/// <summary>
/// The input is an ELF file. It is read as memory, then as the file of a loaded object with the memory that goes with it. What
/// happens meanwhile is told by bytes of its identification that no reader looks at.
/// </summary>
public sealed unsafe class ElfTarget
{
    private const int FailingMappingAt = 9;
    private const int EventsAt = 10;
    private const int LastSegmentAt = 11;
    private const int MostAtOnceAt = 12;
    private const int CutAt = 13;
    private const int IdentificationSize = 16;
    private const int MaxLookups = 16;
    private const int NameBuffer = 64;
    private const byte Untouched = 0x5a;
    private const byte NoDebugFile = 1;
    private const byte OtherHeaderCount = 2;
    private const byte OtherHeader = 4;
    private const byte NotRelocated = 8;

    // A note of 8 bytes becomes a site with a name, and may stand in both sections; the rest of the file is kept a few times.
    // Notes may stand in memory that no bytes of the file belong to.
    private static readonly int s_mostPerByte = 2 * (sizeof(Site) + SiteWords.BytesPerSite + ObjectReader.NameBytesPerSite) / sizeof(ulong) + 8;

    private static readonly byte* s_path = Path();

    private readonly FuzzedImage _image = new();

    /// <summary>Places found in all inputs so far.</summary>
    public int SiteCount { get; private set; }

    /// <summary>Those of them that are sleds of XRay.</summary>
    public int SledCount { get; private set; }

    /// <summary>Branches found in all inputs so far.</summary>
    public int JumpCount { get; private set; }

    /// <summary>Functions in all inputs so far that have room for a call, and are not listed.</summary>
    public int UnlistedCount { get; private set; }

    /// <summary>How many inputs offer the function that is asked for.</summary>
    public int FunctionCount { get; private set; }

    /// <summary>Further names of functions in all inputs so far.</summary>
    public int AliasCount { get; private set; }

    public ElfTarget() => FuzzedKernel.Attach();

    /// <summary>An input in which one of the mappings fails, counted from 1.</summary>
    public static byte[] WithFailingMapping(byte[] input, byte number)
    {
        if (input.Length >= IdentificationSize)
        {
            input[FailingMappingAt] = number;
        }

        return input;
    }

    /// <summary>An input that is read as an object which the loader has not relocated yet.</summary>
    public static byte[] BeforeRelocation(byte[] input)
    {
        if (input.Length >= IdentificationSize)
        {
            input[EventsAt] |= NotRelocated;
        }

        return input;
    }

    public void Run(byte[] input)
    {
        if (input.Length > FuzzedKernel.MaxInput)
        {
            return;
        }

        FuzzedKernel.Reset(input);
        ReadMemory();
        FuzzedKernel.CheckAllGivenBack();
        long memory = ReadObject(input);
        FuzzedKernel.CheckAllGivenBack();
        Finding.Unless(FuzzedKernel.MostMapped <= s_mostPerByte * (input.Length + memory),
            $"{FuzzedKernel.MostMapped} bytes mapped for a file of {input.Length} that takes {memory} in memory");
    }

    private static byte* Path()
    {
        byte* path = (byte*)NativeMemory.AllocZeroed(8);
        "/input"u8.CopyTo(new Span<byte>(path, 8));
        return path;
    }

    private static void ReadMemory()
    {
        if (!ElfFile.TryOpen(new ElfSource(FuzzedKernel.File, (ulong)FuzzedKernel.FileSize), out ElfFile elf))
        {
            return;
        }

        foreach (ElfSection section in elf.Sections)
        {
            if (elf.TryRead(section, ulong.MaxValue, out Block block))
            {
                Finding.Unless(block.Size == section.Size, "a section of another size");
                var expected = new ReadOnlySpan<byte>(FuzzedKernel.File + section.Offset, (int)section.Size);
                Finding.Unless(block.Bytes.SequenceEqual(expected), "a section of other bytes");
                block.Free();
            }
        }

        foreach (uint type in (ReadOnlySpan<uint>)[ElfSection.Symtab, ElfSection.Dynsym])
        {
            if (SymbolTable.TryRead(elf, type, null, out SymbolTable symbols))
            {
                LookUp(symbols);
                symbols.Free();
            }
        }

        elf.Close();
    }

    /// <summary>Looks for what the file itself says is there, and for a few others.</summary>
    private static void LookUp(in SymbolTable symbols)
    {
        var words = new ReadOnlySpan<ulong>(FuzzedKernel.File, Math.Min(FuzzedKernel.FileSize / sizeof(ulong), 64));
        foreach (ulong word in words)
        {
            LookUp(symbols, word);
        }

        LookUp(symbols, ulong.MaxValue);
        ulong address = 0;
        for (int i = 0; i < 64 && symbols.TryFind(address, ulong.MaxValue, out FunctionSymbol next); i++)
        {
            LookUp(symbols, next.Start);
            LookUp(symbols, next.Start - 1);
            LookUp(symbols, next.End);
            LookUp(symbols, next.End - 1);
            if (next.End <= address)
            {
                break;
            }

            address = next.End;
        }
    }

    private static void LookUp(in SymbolTable symbols, ulong address)
    {
        if (symbols.TryFind(address, PatchableEntry.MaxBytes, out FunctionSymbol function))
        {
            bool isIn = function.Start <= address && address < function.End;
            Finding.Unless(isIn || function.Start - address <= PatchableEntry.MaxBytes, "another function");
            ReadOnlySpan<byte> name = symbols.NameOf(function);
            Finding.Unless(name.IndexOf((byte)0) < 0 && symbols.NameAt(function.Name, name.Length).SequenceEqual(name), "another name");
        }
    }

    /// <summary>Returns how much memory the object takes.</summary>
    private long ReadObject(ReadOnlySpan<byte> input)
    {
        LoadedObject target = default;
        if (input.Length < IdentificationSize || !_image.TryLoad(input, input[LastSegmentAt], &target))
        {
            return 0;
        }

        target.Path = s_path;
        target.Image.HeaderCount -= (input[EventsAt] & OtherHeaderCount) != 0 ? 1 : 0;
        target.Image.Headers->Alignment ^= (input[EventsAt] & OtherHeader) != 0 ? 1u : 0;
        FuzzedKernel.FailingMapping = input[FailingMappingAt];
        FuzzedKernel.MostAtOnce = input[MostAtOnceAt];
        FuzzedKernel.Cut = input[CutAt];
        FuzzedKernel.HasDebugFile = (input[EventsAt] & NoDebugFile) == 0;
        target.IsResolved = (input[EventsAt] & NotRelocated) != 0;
        target.Identity = target.Image.ReadIdentity();
        var offered = new DynamicSymbols(&target.Image);
        if (offered.TryFind("__cxa_demangle"u8, out ulong function, out bool isExpected))
        {
            Finding.Unless(target.Image.Contains(function, 1, ProgramHeader.Executable), "a function outside of the text");
            FunctionCount++;
        }

        Finding.Unless(!isExpected || function != 0, "a function that is expected, and has no address");
        offered.Imports("__fentry__"u8);
        int error = ObjectReader.Read(&target);
        Finding.Unless(error == 0 || FuzzedKernel.FailingMapping != 0, "no memory");
        if (error == 0 && FuzzedKernel.FailingMapping != 0)
        {
            CheckComplete(&target);
        }

        if (error == 0)
        {
            CheckSites(&target);
            CheckJumps(&target);
            CheckLookups(&target);
            UnlistedCount += UnlistedFunctions.Count(&target);
            SiteCount += target.SiteCount;
            JumpCount += target.JumpCount;
        }

        target.Sites.Free();
        target.Words.Free();
        target.SiteNames.Free();
        target.Jumps.Free();
        return _image.Size;
    }

    /// <summary>A read that says it was one found all that it finds with enough memory: else it would not be made again.</summary>
    private static void CheckComplete(LoadedObject* target)
    {
        int sites = target->SiteCount;
        int jumps = target->JumpCount;
        byte[] names = target->SiteNames.Bytes.ToArray();
        target->Sites.Free();
        target->Words.Free();
        target->SiteNames.Free();
        target->Jumps.Free();
        target->SiteCount = 0;
        target->JumpCount = 0;
        FuzzedKernel.FailingMapping = 0;
        int error = ObjectReader.Read(target);
        Finding.Unless(error == 0 && target->SiteCount == sites && target->JumpCount == jumps && target->SiteNames.Bytes.SequenceEqual(names),
            "less was found where there was no memory");
    }

    private void CheckSites(LoadedObject* target)
    {
        ulong end = 0;
        for (int i = 0; i < target->SiteCount; i++)
        {
            Site* site = target->FirstSite + i;
            Finding.Unless(site->Ip >= end, "sites overlap");
            bool isText = target->Image.Contains(site->Ip, (ulong)site->Size, ProgramHeader.Code);
            Finding.Unless(site->Size >= X86Instruction.CallSize && isText, "a site outside of the text");
            Finding.Unless(site->Function <= site->Ip, "a site before its function");
            Finding.Unless(site->Name >= target->SiteNames.Start && site->Name != null
                && site->Name + site->NameLength < target->SiteNames.Start + target->SiteNames.Size, "a name outside of the names");
            Finding.Unless(new ReadOnlySpan<byte>(site->Name, site->NameLength + 1).IndexOf((byte)0) == site->NameLength, "a name without its end");
            byte* namesEnd = target->SiteNames.Start + target->SiteNames.Size;
            byte* alias = site->Name + site->NameLength + 1;
            while (site->HasAliases && alias < namesEnd && *alias != 0)
            {
                int length = new ReadOnlySpan<byte>(alias, (int)(namesEnd - alias)).IndexOf((byte)0);
                Finding.Unless(length > 0, "an alias without its end");
                alias += length + 1;
                AliasCount++;
            }

            Finding.Unless(!site->HasAliases || alias < namesEnd, "aliases without their end");
            end = site->Ip + (ulong)site->Size;
            Finding.Unless(!IsOfTwoKinds(site, i + 1 < target->SiteCount ? site + 1 : site), "a function with two sites");
            SledCount += site->Kind == EntryKind.Sled ? 1 : 0;
        }
    }

    private static bool IsOfTwoKinds(Site* site, Site* next) =>
        site->Function == next->Function && (site->Kind == EntryKind.Sled) != (next->Kind == EntryKind.Sled);

    /// <summary>Looks up addresses of sites, words of the file, and both ends of each segment; as of an object that was read, and was not.</summary>
    private static void CheckLookups(LoadedObject* target)
    {
        for (int i = 0; i < Math.Min(target->SiteCount, MaxLookups); i++)
        {
            LookUpAddress(target, target->FirstSite[i].Ip);
        }

        for (int i = 0; i < target->Image.HeaderCount; i++)
        {
            ProgramHeader* header = target->Image.Headers + i;
            LookUpAddress(target, target->Image.Base + header->Address);
            LookUpAddress(target, target->Image.Base + header->Address + header->MemorySize - 1);
        }

        var words = new ReadOnlySpan<ulong>(FuzzedKernel.File, Math.Min(FuzzedKernel.FileSize / sizeof(ulong), MaxLookups));
        foreach (ulong word in words)
        {
            LookUpAddress(target, target->Image.Base + word);
        }
    }

    private static void LookUpAddress(LoadedObject* target, ulong ip)
    {
        if (!target->Image.Contains(ip, 1, ProgramHeader.Executable))
        {
            return;
        }

        LookUpAddress(target, target, ip);
        LookUpAddress(target, null, ip);
    }

    private static void LookUpAddress(LoadedObject* target, LoadedObject* known, ulong ip)
    {
        Span<byte> name = stackalloc byte[NameBuffer + 1];
        name[NameBuffer] = Untouched;
        var lookup = new FunctionLookup(target, known, ip, name[..NameBuffer]);
        int error = lookup.Run();
        Finding.Unless(error == 0 || error == -Errno.ENAMETOOLONG || FuzzedKernel.FailingMapping != 0, "a lookup failed");
        Finding.Unless(name[NameBuffer] == Untouched, "a name outside of its memory");
        if (error != 0)
        {
            return;
        }

        Finding.Unless(lookup.Start == 0 || (lookup.Start <= ip && ip < lookup.End), "a function elsewhere");
        Finding.Unless(lookup.Site == 0 || (lookup.Site >= lookup.Start && lookup.Site < lookup.End), "a site outside of the function");
        Finding.Unless(!lookup.IsNamed || (lookup.NameLength > 0 && name.IndexOf((byte)0) == lookup.NameLength), "a name without its end");
    }

    private static void CheckJumps(LoadedObject* target)
    {
        int inRuns = 0;
        for (int i = 0; i < target->JumpCount; i++)
        {
            JumpSite* site = target->FirstJump + i;
            Finding.Unless(i == 0 || site[-1].Key <= site->Key, "branches are not in order");
            Finding.Unless(target->Image.Contains(site->Ip, X86Instruction.CallSize, ProgramHeader.Code), "a branch outside of the text");
            Finding.Unless(target->Image.Contains((ulong)site->Key, (ulong)sizeof(FtraceStaticKey), ProgramHeader.Readable), "a key outside of the object");
            inRuns += site->Run;
        }

        Finding.Unless(inRuns == target->JumpCount, "branches are not counted");
    }
}
