using System;
using System.Runtime.InteropServices;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.Names;
using Ftrace.Objects;

namespace Ftrace.Trace;

/// <summary>Why a pattern or an address selects no function: the error, and lines for the host's print function.</summary>
internal static unsafe class UnmatchedRule
{
    private const int LineSize = 512;
    private const int LongestName = 200;

    /// <summary>So many objects that cannot be read are named.</summary>
    private const int MostObjects = 4;

    /// <returns>-ENOENT; another error if the rule is about the program too, and the program cannot be read.</returns>
    public static int ErrorOf(TraceRule* rule)
    {
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            if (IsProgram(target) && target->OpenError != 0 && IsAbout(rule, target))
            {
                return IsDenied(target->OpenError) ? -Errno.EACCES : -Errno.EOPNOTSUPP;
            }
        }

        return -Errno.ENOENT;
    }

    public static void Report(TraceRule* rule)
    {
        if (!HostPrint.IsSet)
        {
            return;
        }

        int objects = 0;
        int known = 0;
        int unnamed = 0;
        int mangled = 0;
        int unread = 0;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            if (!IsAbout(rule, target))
            {
                continue;
            }

            objects++;
            known += target->SiteCount;
            unnamed += CountUnnamed(target);
            mangled += rule->Kind != RuleKind.Ip && rule->Form != NameForm.Symbol ? CountMangled(target) : 0;
            unread += IsUnread(target) ? 1 : 0;
        }

        byte* buffer = stackalloc byte[LineSize];
        ReportRule(rule, known, new ReportLine(buffer, LineSize));
        if (objects == 0)
        {
            Print("ftrace: no object has such a file name; was it opened already?"u8, new ReportLine(buffer, LineSize));
        }
        else if (ReportLists(rule, buffer) == 0 && known == 0 && unread == 0)
        {
            Print(
                "ftrace: compile with -fpatchable-function-entry=5, or with -pg -mfentry -mrecord-mcount"u8,
                new ReportLine(buffer, LineSize));
        }

        if (unnamed != 0)
        {
            ReportUnnamed(unnamed, new ReportLine(buffer, LineSize));
        }

        if (mangled != 0)
        {
            ReportMangled(mangled, new ReportLine(buffer, LineSize));
        }

        ReportUnread(rule, unread, buffer);
    }

    private static void ReportRule(TraceRule* rule, int known, ReportLine line)
    {
        line.Add("ftrace: no function "u8);
        if (rule->Kind == RuleKind.Ip)
        {
            line.Add("is at 0x"u8);
            line.AddHex(rule->Ip);
        }
        else
        {
            line.Add("matches "u8);
            line.Add(Truncated(new ReadOnlySpan<byte>(rule->Name, rule->NameLength)));
        }

        if (rule->FileLength != 0)
        {
            line.Add(" in "u8);
            line.Add(Truncated(new ReadOnlySpan<byte>(rule->File, rule->FileLength)));
        }

        line.Add("; known functions: "u8);
        line.Add(known);
        Site* nearest = FindNearest(rule);
        if (nearest != null)
        {
            line.Add("; the nearest name is "u8);
            line.Add(Truncated(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(DisplayNames.NameOf(nearest))));
        }

        line.Print();
    }

    private static Site* FindNearest(TraceRule* rule)
    {
        var name = new NearestName(new ReadOnlySpan<byte>(rule->Name, rule->NameLength));
        Site* nearest = null;
        int least = NearestName.NotNear;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            for (int i = 0; i < target->SiteCount && IsAbout(rule, target); i++)
            {
                Site* site = target->FirstSite + i;
                int distance = Compare(ref name, rule, site);
                nearest = distance < least ? site : nearest;
                least = Math.Min(distance, least);
            }
        }

        return nearest;
    }

    private static int Compare(ref NearestName pattern, TraceRule* rule, Site* site)
    {
        int distance = pattern.Compare(ComparedName(rule, site));
        if (rule->Form == NameForm.Symbol || !DisplayNames.IsRust(site))
        {
            return distance;
        }

        distance = Math.Min(distance, Compare(ref pattern, site, RustOmission.Trait));
        return Math.Min(distance, Compare(ref pattern, site, RustOmission.All));
    }

    /// <summary>Compares with a Rust name as people write it, and with the same without the name of the crate, which is often forgotten.</summary>
    private static int Compare(ref NearestName pattern, Site* site, RustOmission omission)
    {
        ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(DisplayNames.NameOf(site));
        Span<byte> text = NameBuffer.Short;
        if (text.Length < name.Length)
        {
            return NearestName.NotNear;
        }

        ReadOnlySpan<byte> written = text[..RustName.Shorten(name, omission, text)];
        int crate = written.IndexOf("::"u8);
        int distance = pattern.Compare(written);
        return crate < 0 ? distance : Math.Min(distance, pattern.Compare(written[(crate + 2)..]));
    }

    private static ReadOnlySpan<byte> ComparedName(TraceRule* rule, Site* site) => rule->Form switch
    {
        NameForm.Symbol => new ReadOnlySpan<byte>(site->Name, site->NameLength),
        NameForm.WithoutParameters => DisplayNames.PartsOf(site).WithoutParameters,
        _ => DisplayNames.PartsOf(site).WithoutResult,
    };

    /// <summary>Reports objects that were compiled for tracing, but whose list of functions is incomplete or missing.</summary>
    /// <returns>How many were reported.</returns>
    private static int ReportLists(TraceRule* rule, byte* buffer)
    {
        int reported = 0;
        for (LoadedObject* target = LoadedObjects.First; target != null && reported < MostObjects; target = target->Next)
        {
            if (!target->IsRead || !IsAbout(rule, target))
            {
                continue;
            }

            int unlisted = UnlistedFunctions.Count(target);
            if (unlisted != 0)
            {
                ReportUnlisted(target, unlisted, new ReportLine(buffer, LineSize));
                reported++;
            }
            else if (!HasMcount(target) && new DynamicSymbols(&target->Image).Imports("__fentry__"u8))
            {
                ReportMcount(target, new ReportLine(buffer, LineSize));
                reported++;
            }
        }

        return reported;
    }

    private static void ReportUnlisted(LoadedObject* target, int count, ReportLine line)
    {
        line.Add("ftrace: "u8);
        line.Add(DisplayNameOf(target));
        line.Add(": functions with room for a call that are not in the compiler's list: "u8);
        line.Add(count);
        line.Add(target->SiteCount == 0
            ? "; the linker dropped the list, as gold does with --gc-sections; use another linker, or no --gc-sections"u8
            : "; GCC before 13 loses functions of C++ programs of several files, and with --gc-sections; use Clang, GCC 13, or -flto"u8);
        line.Print();
    }

    private static void ReportMcount(LoadedObject* target, ReportLine line)
    {
        line.Add("ftrace: "u8);
        line.Add(DisplayNameOf(target));
        line.Add(": compiled with -pg -mfentry, but there is no list of the calls; add -mrecord-mcount; with --gc-sections also -Wl,-u,__start___mcount_loc (GNU ld only), or use -fpatchable-function-entry=5"u8);
        line.Print();
    }

    private static void ReportUnnamed(int count, ReportLine line)
    {
        line.Add("ftrace: "u8);
        line.Add(count);
        line.Add(" of the known functions have no name: their object is stripped, and has no debug file"u8);
        line.Print();
    }

    private static void ReportMangled(int count, ReportLine line)
    {
        line.Add("ftrace: "u8);
        line.Add(count);
        line.Add(
            " of the known functions have C++ names that cannot be demangled: no object offers __cxa_demangle; load a C++ library (LD_PRELOAD=libstdc++.so.6), or use the names of the symbol table, as _ZN2ns1f*"u8);
        line.Print();
    }

    private static void ReportUnread(TraceRule* rule, int count, byte* buffer)
    {
        int named = ReportUnread(rule, isProgram: true, 1, buffer);
        named += ReportUnread(rule, isProgram: false, MostObjects - named, buffer);
        if (count > named)
        {
            var line = new ReportLine(buffer, LineSize);
            line.Add("ftrace: more objects that cannot be read: "u8);
            line.Add(count - named);
            line.Print();
        }
    }

    /// <returns>How many objects were named.</returns>
    private static int ReportUnread(TraceRule* rule, bool isProgram, int most, byte* buffer)
    {
        int named = 0;
        for (LoadedObject* target = LoadedObjects.First; target != null && named < most; target = target->Next)
        {
            if (IsProgram(target) == isProgram && IsUnread(target) && IsAbout(rule, target))
            {
                ReportUnread(target, new ReportLine(buffer, LineSize));
                named++;
            }
        }

        return named;
    }

    private static void ReportUnread(LoadedObject* target, ReportLine line)
    {
        line.Add("ftrace: cannot read "u8);
        line.Add(DisplayNameOf(target));
        line.Add(": "u8);
        line.Add(ReasonOf(target));
        if (target->OpenError != 0)
        {
            line.Add(" (errno "u8);
            line.Add(-target->OpenError);
            line.Add(")"u8);
        }

        line.Print();
    }

    private static ReadOnlySpan<byte> ReasonOf(LoadedObject* target)
    {
        if (target->OpenError == 0)
        {
            return "its file is not the one that was loaded, or has no section headers"u8;
        }

        if (IsDenied(target->OpenError))
        {
            return "its file may not be read, or is not a regular file"u8;
        }

        return IsProgram(target) ? "/proc/self/exe cannot be opened; is /proc mounted?"u8 : "its file cannot be opened; was it removed?"u8;
    }

    private static void Print(ReadOnlySpan<byte> text, ReportLine line)
    {
        line.Add(text);
        line.Print();
    }

    private static int CountUnnamed(LoadedObject* target)
    {
        int count = 0;
        for (int i = 0; i < target->SiteCount; i++)
        {
            count += target->FirstSite[i].NameLength == 0 ? 1 : 0;
        }

        return count;
    }

    private static int CountMangled(LoadedObject* target)
    {
        int count = 0;
        for (int i = 0; i < target->SiteCount; i++)
        {
            count += DisplayNames.LacksDemangler(target->FirstSite + i) ? 1 : 0;
        }

        return count;
    }

    private static bool HasMcount(LoadedObject* target)
    {
        bool found = false;
        for (int i = 0; i < target->SiteCount && !found; i++)
        {
            found = target->FirstSite[i].IsMcount;
        }

        return found;
    }

    private static ReadOnlySpan<byte> DisplayNameOf(LoadedObject* target) =>
        Truncated(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(IsProgram(target) ? target->FileName : target->Path));

    private static ReadOnlySpan<byte> Truncated(ReadOnlySpan<byte> name) => name[..Math.Min(name.Length, LongestName)];

    private static bool IsAbout(TraceRule* rule, LoadedObject* target) =>
        rule->FileLength == 0
        || Glob.Matches(new ReadOnlySpan<byte>(rule->File, rule->FileLength), MemoryMarshal.CreateReadOnlySpanFromNullTerminated(target->FileName));

    private static bool IsProgram(LoadedObject* target) => *target->Path == 0;

    /// <summary>True for an object whose functions are not known. The vDSO, whose name is not a path, has no file.</summary>
    private static bool IsUnread(LoadedObject* target) =>
        !target->IsRead && (IsProgram(target) || MemoryMarshal.CreateReadOnlySpanFromNullTerminated(target->Path).Contains((byte)'/'));

    private static bool IsDenied(int error) => error is -Errno.EACCES or -Errno.EPERM;
}
