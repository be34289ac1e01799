using System;
using System.Runtime.CompilerServices;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>Finds what can be patched in an object: the addresses in its memory, the names in its file.</summary>
internal static unsafe class ObjectReader
{
    private const ulong MaxEntries = 1 << 24;

    /// <summary>The names of an object's sites may take so many bytes for each site, and the size of the string table.</summary>
    public const int NameBytesPerSite = 128;

    /// <summary>A function has so many other names at most; a file may have any number of symbols with the same address.</summary>
    private const int MaxAliases = 64;
    private const int MaxAliasBytes = 4096;

    /// <summary>Sorts once, so that the runtime's lazy initialization is done at start-up.</summary>
    public static void WarmUp()
    {
        Span<Site> sites = stackalloc Site[64];
        for (int i = 0; i < sites.Length; i++)
        {
            sites[i].Ip = (ulong)(i * 37 % sites.Length);
        }

        sites.Sort(Site.ByAddress);
    }

    /// <summary>
    /// Fills in the sites and the branches on static keys. An object without any, or whose file cannot be read or has been replaced
    /// since it was opened, has none.
    /// </summary>
    /// <returns>0; -ENOMEM or -EAGAIN if the file could not be read for a temporary reason, or if there is no memory.</returns>
    public static int Read(LoadedObject* target)
    {
        int file = Open(target, out ulong size);
        if (file < 0)
        {
            target->OpenError = file;
            return ProcFile.IsTransient(file) ? -Errno.EAGAIN : 0;
        }

        int error = 0;
        if (ElfFile.TryOpen(new ElfSource(file, size, &error), out ElfFile elf))
        {
            if (elf.IsOf(&target->Image))
            {
                bool hasJumps = elf.TryFind(JumpTable.Section, out ElfSection jumps);
                target->MayHaveLostJumps = !hasJumps && elf.TryFind(JumpTable.GoldSection, out _);
                bool read = ReadSites(target, elf, &error)
                    && (!hasJumps || !IsLoaded(&target->Image, jumps) || JumpTable.Read(target, jumps));
                error = read ? error : -Errno.ENOMEM;
                target->IsRead = error == 0;
            }

            elf.Close();
        }

        ProcFile.Close(file);
        return error;
    }

    /// <summary>
    /// Opens the file. The program's path is empty, and an object's may be relative to the working directory at the time when it was opened.
    /// </summary>
    public static int Open(LoadedObject* target, out ulong size)
    {
        const int BufferSize = 8192;
        const int PathSize = 4096;

        if (*target->Path == 0)
        {
            return ProcFile.OpenRegular(SelfExe, out size);
        }

        byte* buffer = stackalloc byte[BufferSize + PathSize];
        var maps = new MapsReader(buffer, BufferSize);
        if (*target->Path == '/')
        {
            return ProcFile.OpenRegular(target->Path, out size);
        }

        int error = maps.Open();
        if (ProcFile.IsTransient(error))
        {
            size = 0;
            return error;
        }

        bool found = error == 0 && maps.TryFindPath(target->Image.FirstAddress, buffer + BufferSize, PathSize);
        maps.Close();
        return ProcFile.OpenRegular(found ? buffer + BufferSize : target->Path, out size);
    }

    private static byte* SelfExe
    {
        get
        {
            fixed (byte* path = "/proc/self/exe\0"u8)
            {
                return path; // a literal, which never moves
            }
        }
    }

    private static bool ReadSites(LoadedObject* target, ElfFile elf, int* error)
    {
        bool patchable = TryFindEntries(elf, &target->Image, EntryKind.Nops, out ElfSection entries);
        bool mcount = TryFindEntries(elf, &target->Image, EntryKind.Mcount, out ElfSection calls);
        bool xray = TryFindEntries(elf, &target->Image, EntryKind.Sled, out ElfSection sleds);
        ulong count = (patchable ? entries.Size / sizeof(ulong) : 0) + (mcount ? calls.Size / sizeof(ulong) : 0)
            + (xray ? sleds.Size / (ulong)sizeof(XRaySled) : 0);
        if (count == 0 || count > MaxEntries)
        {
            return true;
        }

        target->Sites = Block.Allocate((nuint)count * (nuint)sizeof(Site));
        if (target->Sites.IsEmpty)
        {
            return false;
        }

        if (!TryReadSymbols(target, elf, error, out SymbolTable symbols))
        {
            symbols = default;
        }

        // Different names are together no longer than the string table, unless they share bytes in it. That is allowed up to a limit: the
        // product of functions and bytes could otherwise be all memory.
        nuint max = symbols.NameBytes + (nuint)count * NameBytesPerSite;
        nuint names = 1; // the empty name
        bool resolved = true;
        if (patchable)
        {
            names += Add(target, symbols, entries, max - names, isMcount: false, ref resolved);
        }

        if (mcount)
        {
            names += Add(target, symbols, calls, max - names, isMcount: true, ref resolved);
        }

        if (xray)
        {
            names += AddSleds(target, symbols, sleds, max - names);
        }

        bool named = TryName(target, symbols, names);
        symbols.Free();
        Sort(target);
        return named && resolved && TryReserveWords(target);
    }

    /// <summary>Finds the section with the addresses that the compiler noted.</summary>
    public static bool TryFindEntries(in ElfFile elf, ElfImage* image, EntryKind kind, out ElfSection section) =>
        elf.TryFind(SectionOf(kind), out section) && IsLoaded(image, section);

    private static ReadOnlySpan<byte> SectionOf(EntryKind kind) => kind switch
    {
        EntryKind.Mcount => "__mcount_loc"u8,
        EntryKind.Sled => "xray_instr_map"u8,
        _ => "__patchable_function_entries"u8,
    };

    private static bool TryReserveWords(LoadedObject* target)
    {
        if (target->SiteCount == 0)
        {
            return true;
        }

        // A conversion may move a site by one byte, and before that by those of endbr64, if another tool had changed them.
        target->SitesFrom = target->FirstSite->Ip;
        target->SiteSpan = target->FirstSite[target->SiteCount - 1].Ip + X86Instruction.EndbrSize + 2 - target->SitesFrom;
        return target->Words.TryReserve(target->SiteCount);
    }

    private static bool IsLoaded(ElfImage* image, in ElfSection section) =>
        (section.Flags & ElfSection.Alloc) != 0 && section.Type != ElfSection.Nobits
        && image->Contains(image->Base + section.Address, section.Size, ProgramHeader.Readable);

    /// <summary>Reads all symbols of the file; else those of its separate debug file; else the dynamic ones.</summary>
    public static bool TryReadSymbols(LoadedObject* target, ElfFile elf, int* error, out SymbolTable symbols) =>
        SymbolTable.TryRead(elf, ElfSection.Symtab, &target->Image, out symbols)
        || DebugFile.TryReadSymbols(&target->Image, error, out symbols)
        || SymbolTable.TryRead(elf, ElfSection.Dynsym, &target->Image, out symbols);

    /// <summary>Adds the sites of a compiler's section: <see cref="Add(LoadedObject*, in SymbolTable, ulong*, ulong*, ulong, nuint, bool)"/>.</summary>
    private static nuint Add(LoadedObject* target, in SymbolTable symbols, in ElfSection section, nuint max, bool isMcount, ref bool resolved)
    {
        var entries = (ulong*)(target->Image.Base + section.Address);
        ulong count = section.Size / sizeof(ulong);
        Block copy = default;
        resolved &= !target->IsResolved || TryResolve(target, entries, count, out copy);
        nuint names = Add(target, symbols, entries, copy.IsEmpty ? entries : (ulong*)copy.Start, count, max, isMcount);
        copy.Free();
        return names;
    }

    /// <summary>The entries as they will be when the object has been relocated.</summary>
    /// <param name="target">The object.</param>
    /// <param name="entries">The entries.</param>
    /// <param name="count">How many.</param>
    /// <param name="copy">Empty if they are that already, or if that cannot be found out.</param>
    /// <returns>False if there is no memory.</returns>
    private static bool TryResolve(LoadedObject* target, ulong* entries, ulong count, out Block copy)
    {
        copy = default;
        bool relocated = true;
        for (ulong i = 0; i < count && relocated; i++)
        {
            relocated = target->Image.Contains(entries[i], 1, ProgramHeader.Code);
        }

        var relocations = new PendingRelocations(&target->Image);
        if (relocated || relocations.HasTextRelocations)
        {
            return true;
        }

        copy = Block.AllocateTemporary((nuint)count * sizeof(ulong));
        if (copy.IsEmpty)
        {
            return false;
        }

        new ReadOnlySpan<ulong>(entries, (int)count).CopyTo(new Span<ulong>(copy.Start, (int)count));
        relocations.Apply((ulong)entries, count, (ulong*)copy.Start);
        return true;
    }

    /// <summary>
    /// Adds sites for those addresses of a compiler's section that can be patched. Returns how many bytes their names take, at most
    /// <paramref name="max"/>; sites beyond that have no name.
    /// </summary>
    private static nuint Add(LoadedObject* target, in SymbolTable symbols, ulong* entries, ulong* addresses, ulong count, nuint max, bool isMcount)
    {
        nuint names = 0;
        var unwind = new UnwindIndex(&target->Image);
        for (ulong i = 0; i < count; i++)
        {
            ulong address = addresses[i];
            int length = CodeAt(&target->Image, address);
            if (length == 0)
            {
                target->UnrelocatedEntry = entries + i;
                continue;
            }

            bool named = symbols.TryFind(address - target->Image.Base, PatchableEntry.MaxBytes, out FunctionSymbol function);
            ulong start = target->Image.Base + function.Start;
            if (!TryReadSite(&target->Image, unwind, address, length, isMcount, ref named, start, out Site site))
            {
                continue;
            }

            names += Add(target, symbols, function, named, ref site, max - names);
        }

        return names;
    }

    /// <summary>
    /// The same for the sleds of XRay. Entries that are wrong, or of other sleds than those at functions' entries, are skipped: nothing that
    /// comes from a file is trusted.
    /// </summary>
    private static nuint AddSleds(LoadedObject* target, in SymbolTable symbols, in ElfSection section, nuint max)
    {
        nuint names = 0;
        var unwind = new UnwindIndex(&target->Image);
        var sleds = (XRaySled*)(target->Image.Base + section.Address);
        ulong count = section.Size / (ulong)sizeof(XRaySled);
        for (ulong i = 0; i < count; i++)
        {
            if (!sleds[i].IsEntry)
            {
                continue;
            }

            ulong start = XRaySled.FunctionOf(sleds + i) - target->Image.Base;
            bool named = symbols.TryFind(start, 0, out FunctionSymbol function) && function.Start == start;
            if (TryReadSled(&target->Image, unwind, sleds + i, named, out Site site))
            {
                names += Add(target, symbols, function, named, ref site, max - names);
            }
        }

        return names;
    }

    /// <summary>Adds a site. Returns how many bytes its names take, at most <paramref name="max"/>; if they take more it has none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // of the loop over all sites
    private static nuint Add(LoadedObject* target, in SymbolTable symbols, in FunctionSymbol function, bool named, ref Site site, nuint max)
    {
        int nameLength = named ? symbols.NameOf(function).Length : 0;
        named &= (nuint)nameLength + 1 <= max;
        nuint aliasBytes = 0;
        if (named && function.HasAliases)
        {
            aliasBytes = AliasesOf(symbols, function.Start, symbols.NameOf(function), null);
            aliasBytes = aliasBytes <= max - (nuint)nameLength - 1 ? aliasBytes : 0;
        }

        site.Name = (byte*)(named ? function.Name + 1ul : 0); // replaced by a pointer once the names have their memory
        site.NameLength = (ushort)(named ? nameLength : 0);
        site.HasAliases = aliasBytes != 0;
        target->HasForeign |= site.Foreign != ForeignState.None;
        target->FirstSite[target->SiteCount++] = site;
        return (named ? (nuint)nameLength + 1 : 0) + aliasBytes;
    }

    /// <summary>How many bytes of the code at an address are in the object, at most those that are looked at.</summary>
    public static int CodeAt(ElfImage* image, ulong address)
    {
        int length = PatchableEntry.MaxBytes;
        while (length > 0 && !image->Contains(address, (ulong)length, ProgramHeader.Code))
        {
            length--;
        }

        return length;
    }

    /// <summary>Finds the site at an address of a compiler's section.</summary>
    /// <param name="image">The object.</param>
    /// <param name="unwind">Its functions, for those without a symbol.</param>
    /// <param name="address">The address.</param>
    /// <param name="length">The result of <see cref="CodeAt"/>, not 0.</param>
    /// <param name="isMcount">The section is that of -mrecord-mcount.</param>
    /// <param name="named">There is a symbol of a function; becomes false if it is that of another one.</param>
    /// <param name="start">Where the function of that symbol begins.</param>
    /// <param name="site">The site, without a name.</param>
    /// <returns>False if no call can be there.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // of the loop over all sites
    public static bool TryReadSite(ElfImage* image, in UnwindIndex unwind, ulong address, int length, bool isMcount, ref bool named, ulong start, out Site site)
    {
        site = default;
        var code = new ReadOnlySpan<byte>((void*)address, length);
        if (named && start > address)
        {
            // Only if there are just nops between: otherwise it is the next function, and this one has no name.
            named = start - address <= (ulong)length && X86Instruction.AreNops(code[..(int)(start - address)]);
        }

        if (!named && !unwind.TryFind(address, PatchableEntry.MaxBytes, out start))
        {
            return false; // these may be the nops before a function as well as those in it
        }

        if (!named && start < address && !(address - start == X86Instruction.EndbrSize && image->Contains(start, X86Instruction.EndbrSize, ProgramHeader.Code)
            && PatchableEntry.IsEndbr64(new ReadOnlySpan<byte>((void*)start, X86Instruction.EndbrSize))))
        {
            return false;
        }

        int bytesToEntry = start > address ? (int)(start - address) : 0;
        if (bytesToEntry > length)
        {
            return false;
        }

        if (!PatchableEntry.TryFind(code, isMcount, bytesToEntry, out int offset, out int size))
        {
            // The function's own code may begin after the nops before it.
            if (bytesToEntry > 0 || !PatchableEntry.IsForeign(code, isMcount, out offset))
            {
                return false;
            }

            size = X86Instruction.CallSize;
            site.Foreign = ForeignState.Found | ForeignState.Unmeasured;
        }

        site.Ip = address + (ulong)offset;
        site.Function = start;
        site.Size = (byte)size;
        site.Kind = isMcount ? EntryKind.Mcount : EntryKind.Nops;
        return true;
    }

    /// <summary>Finds the site at a sled of XRay.</summary>
    /// <param name="image">The object.</param>
    /// <param name="unwind">Its functions, for those without a symbol.</param>
    /// <param name="sled">The entry for the sled, which is one at a function's entry.</param>
    /// <param name="named">There is a symbol for a function that begins where the entry says.</param>
    /// <param name="site">The site, without a name.</param>
    /// <returns>False if the entry is wrong, or the code is neither a sled nor what another tool may have made of it.</returns>
    public static bool TryReadSled(ElfImage* image, in UnwindIndex unwind, XRaySled* sled, bool named, out Site site)
    {
        site = default;
        ulong address = XRaySled.AddressOf(sled);
        ulong start = XRaySled.FunctionOf(sled);
        int length = CodeAt(image, address);
        if (length == 0 || address - start > PatchableEntry.MaxSledOffset || !image->Contains(start, address - start + 1, ProgramHeader.Code))
        {
            return false;
        }

        if (!named && !(unwind.TryFind(start, 0, out ulong function) && function == start))
        {
            return false;
        }

        var code = new ReadOnlySpan<byte>((void*)address, length);
        int size = PatchableEntry.SledSize;
        if (!PatchableEntry.IsSled(code) && !(PatchableEntry.TryFind(code, isMcount: false, 0, out int offset, out size) && offset == 0))
        {
            if (!PatchableEntry.IsForeign(code, isMcount: false, out _))
            {
                return false;
            }

            size = X86Instruction.CallSize;
            site.Foreign = ForeignState.Found | ForeignState.Unmeasured;
        }

        site.Ip = address;
        site.Function = start;
        site.Size = (byte)size;
        site.Kind = EntryKind.Sled;
        return true;
    }

    /// <summary>
    /// Writes the names of the functions at an address, except <paramref name="name"/>, each after a 0, and an empty one.
    /// </summary>
    /// <returns>How many bytes that takes; 0: there are none, or they are longer than is allowed.</returns>
    private static nuint AliasesOf(in SymbolTable symbols, ulong start, ReadOnlySpan<byte> name, byte* to)
    {
        ReadOnlySpan<FunctionSymbol> functions = symbols.At(start);
        nuint bytes = 0;
        foreach (ref readonly FunctionSymbol function in functions[..Math.Min(functions.Length, MaxAliases)])
        {
            ReadOnlySpan<byte> alias = symbols.NameOf(function);
            if (alias.IsEmpty || alias.SequenceEqual(name))
            {
                continue;
            }

            if (bytes + (nuint)alias.Length + 1 > MaxAliasBytes)
            {
                return 0;
            }

            if (to != null)
            {
                alias.CopyTo(new Span<byte>(to + bytes + 1, alias.Length));
            }

            bytes += (nuint)alias.Length + 1;
        }

        return bytes == 0 ? 0 : bytes + 1;
    }

    private static bool TryName(LoadedObject* target, in SymbolTable symbols, nuint bytes)
    {
        target->SiteNames = Block.Allocate(bytes);
        if (target->SiteNames.IsEmpty)
        {
            return false;
        }

        byte* to = target->SiteNames.Start;
        byte* none = to;
        for (int i = 0; i < target->SiteCount; i++)
        {
            Site* site = target->FirstSite + i;
            if (site->Name == null)
            {
                site->Name = none;
                continue;
            }

            ReadOnlySpan<byte> name = symbols.NameAt((uint)((ulong)site->Name - 1), site->NameLength);
            to++;
            name.CopyTo(new Span<byte>(to, name.Length));
            site->Name = to;
            site->HasVersion = name.Contains((byte)'@');
            to += name.Length;
            to += site->HasAliases ? AliasesOf(symbols, site->Function - target->Image.Base, name, to) : 0;
        }

        return true;
    }

    /// <summary>
    /// Sorts the sites by address, and removes those that overlap: nothing that comes from a file is trusted. A function that has a sled of
    /// XRay and other room too keeps the other.
    /// </summary>
    private static void Sort(LoadedObject* target)
    {
        Site* sites = target->FirstSite;
        bool sorted = true;
        for (int i = 1; i < target->SiteCount; i++)
        {
            sorted &= sites[i].Ip >= sites[i - 1].Ip + (ulong)sites[i - 1].Size && !HasTwo(sites + i - 1);
        }

        if (sorted)
        {
            return;
        }

        new Span<Site>(sites, target->SiteCount).Sort(Site.ByAddress);
        int kept = 0;
        for (int i = 0; i < target->SiteCount; i++)
        {
            if (kept != 0 && sites[i].Ip < sites[kept - 1].Ip + (ulong)sites[kept - 1].Size)
            {
                continue;
            }

            sites[kept++] = sites[i];
            while (kept > 1 && HasTwo(sites + kept - 2))
            {
                kept--;
                sites[kept - 1] = sites[kept - 1].Kind == EntryKind.Sled ? sites[kept] : sites[kept - 1];
            }
        }

        target->SiteCount = kept;
    }

    /// <summary>True if a site and the next one are the sled and the other room of one function.</summary>
    private static bool HasTwo(Site* site) =>
        site[0].Function == site[1].Function && (site[0].Kind == EntryKind.Sled) != (site[1].Kind == EntryKind.Sled);
}
