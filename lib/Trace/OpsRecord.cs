using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Names;
using Ftrace.Objects;

namespace Ftrace.Trace;

/// <summary>The library's record of an ops: its number while it is registered, and its rules. A page of memory each.</summary>
internal unsafe struct OpsRecord
{
    private const int Bytes = 4096;
    private const int RuleBytes = 3000;

    /// <summary>The host's structure.</summary>
    public FtraceOps* Ops;

    /// <summary>Its number while it is registered; else -1.</summary>
    public int Id;

    private int _ruleBytes;

    /// <summary>There is one rule only, a filter that is not negated.</summary>
    private bool _isSimple;

    public OpsRecord* Next;

    private fixed byte _rules[RuleBytes];

    /// <summary>The last attempt to set or reset the filter failed.</summary>
    public bool HasFailedFilter;

    public readonly bool IsUnused => Id < 0 && _ruleBytes == 0 && !HasFailedFilter;

    /// <summary>A filter was wanted, but there is none. What the ops would then select, everything, was not asked for.</summary>
    public bool LacksFilter => HasFailedFilter && !HasFilter;

    public static OpsRecord* Create(FtraceOps* ops)
    {
        var added = (OpsRecord*)Memory.Map(Bytes);
        if (added != null)
        {
            added->Ops = ops;
            added->Id = -1;
        }

        return added;
    }

    public static void Free(OpsRecord* ops) => Memory.Unmap(ops, Bytes);

    private bool HasFilter
    {
        get
        {
            bool found = false;
            fixed (byte* rules = _rules)
            {
                for (int at = 0; at < _ruleBytes; at += ((Rule*)(rules + at))->Size)
                {
                    found |= ((Rule*)(rules + at))->Kind != RuleKind.Notrace;
                }
            }

            return found;
        }
    }

    /// <summary>Copies the rules, to be restored if a change of them fails.</summary>
    public readonly void CopyRulesTo(OpsRecord* other)
    {
        fixed (byte* rules = _rules)
        {
            new ReadOnlySpan<byte>(rules, _ruleBytes).CopyTo(new Span<byte>(other->_rules, RuleBytes));
        }

        other->_ruleBytes = _ruleBytes;
    }

    /// <summary>Removes the rules of a kind. Filters by name and by address are one kind.</summary>
    public void RemoveRules(RuleKind kind)
    {
        bool notrace = kind == RuleKind.Notrace;
        fixed (byte* rules = _rules)
        {
            int kept = 0;
            for (int at = 0; at < _ruleBytes;)
            {
                var rule = (Rule*)(rules + at);
                int size = rule->Size;
                if ((rule->Kind == RuleKind.Notrace) != notrace)
                {
                    Buffer.MemoryCopy(rule, rules + kept, RuleBytes - kept, size);
                    kept += size;
                }

                at += size;
            }

            _ruleBytes = kept;
        }
    }

    /// <summary>Adds a rule: a pattern, whose parts have been checked, or an address.</summary>
    /// <returns>0 or -E2BIG.</returns>
    public int Add(TraceRule* added)
    {
        var name = new ReadOnlySpan<byte>(added->Name, added->NameLength);
        var file = new ReadOnlySpan<byte>(added->File, added->FileLength);
        int size = sizeof(Rule) + name.Length + file.Length;
        if (size > RuleBytes - _ruleBytes)
        {
            return -Errno.E2BIG;
        }

        fixed (byte* rules = _rules)
        {
            var rule = (Rule*)(rules + _ruleBytes);
            *rule = new Rule
            {
                Ip = added->Ip,
                Kind = added->Kind,
                Negated = added->Negated,
                Form = added->Form,
                NameLength = (ushort)name.Length,
                FileLength = (ushort)file.Length,
                Literal = LiteralOf(name),
            };
            name.CopyTo(rule->Name);
            file.CopyTo(rule->File);
        }

        _ruleBytes += size;
        return 0;
    }

    /// <summary>If a pattern is plain text, or plain text and a star: the length of that text. Else -1.</summary>
    private static short LiteralOf(ReadOnlySpan<byte> name)
    {
        int special = name.IndexOfAny("*?[\\"u8);
        if (special < 0)
        {
            return (short)name.Length;
        }

        return (short)(special == name.Length - 1 && name[special] == '*' ? special : -1);
    }

    /// <summary>Selects an object: finds out which rules are about it. <see cref="Wants"/> is then called for its functions if need be.</summary>
    public Selection Select(LoadedObject* target)
    {
        ReadOnlySpan<byte> fileName = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(target->FileName);
        fixed (byte* rules = _rules)
        {
            int size;
            for (int at = 0; at < _ruleBytes; at += size)
            {
                var rule = (Rule*)(rules + at);
                size = rule->Size;
                rule->IsElsewhere = rule->FileLength != 0 && !Glob.Matches(rule->File, fileName);
            }

            var only = (Rule*)rules;
            _isSimple = _ruleBytes != 0 && only->Size == _ruleBytes && only->Kind == RuleKind.Filter && !only->Negated;
            if (_ruleBytes == 0)
            {
                return Selection.All;
            }

            if (!_isSimple)
            {
                return Selection.Some;
            }

            if (only->IsElsewhere)
            {
                return Selection.None;
            }

            return only->Literal == 0 ? Selection.All : Selection.Some;
        }
    }

    /// <summary>True if the function, of the selected object, is to be traced.</summary>
    public bool Wants(Site* site)
    {
        bool chosen = true;
        bool first = true;
        bool excluded = false;
        fixed (byte* rules = _rules)
        {
            if (_isSimple)
            {
                return ((Rule*)rules)->Matches(site);
            }

            int size;
            for (int at = 0; at < _ruleBytes; at += size)
            {
                var rule = (Rule*)(rules + at);
                size = rule->Size;
                bool matches = rule->Matches(site);
                if (rule->Kind == RuleKind.Notrace)
                {
                    excluded = matches ? !rule->Negated : excluded;
                    continue;
                }

                // The first filter decides what the others change: a positive one adds to nothing, a negated one excludes from all.
                chosen = first ? rule->Negated : chosen;
                first = false;
                chosen = matches ? !rule->Negated : chosen;
            }
        }

        return chosen && !excluded;
    }

    /// <summary>True if the rule that was added last matches this function, of the selected object.</summary>
    public bool LastRuleMatches(Site* site)
    {
        fixed (byte* rules = _rules)
        {
            Rule* last = null;
            for (int at = 0; at < _ruleBytes; at += last->Size)
            {
                last = (Rule*)(rules + at);
            }

            return last != null && last->Matches(site);
        }
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Rule
    {
        public ulong Ip;
        public RuleKind Kind;
        public bool Negated;
        public NameForm Form;
        public ushort NameLength;
        public ushort FileLength;

        /// <summary>See <see cref="LiteralOf"/>.</summary>
        public short Literal;

        /// <summary>The selected object's file name does not match.</summary>
        public bool IsElsewhere;

        /// <summary>The longest C++ name, without what is left out, that a pattern may shorten.</summary>
        private const int LongestShortened = 1000;

        public readonly int Size => sizeof(Rule) + NameLength + FileLength;

        public Span<byte> Name => new((byte*)Unsafe.AsPointer(ref this) + sizeof(Rule), NameLength);

        public Span<byte> File => new((byte*)Unsafe.AsPointer(ref this) + sizeof(Rule) + NameLength, FileLength);

        public bool Matches(Site* site)
        {
            if (Kind == RuleKind.Ip)
            {
                return Ip == site->Ip || Ip == site->Function;
            }

            if (IsElsewhere)
            {
                return false;
            }

            // The usual case has the only copy of the comparison that is inlined.
            return Form != NameForm.Symbol || site->HasVersion || site->HasAliases
                ? MatchesAny(site)
                : Matches(new ReadOnlySpan<byte>(site->Name, site->NameLength));
        }

        [MethodImpl(MethodImplOptions.NoInlining)] // as MatchesCxx
        private bool MatchesAny(Site* site) => MatchesName(site) || (site->HasAliases && MatchesAlias(site));

        [MethodImpl(MethodImplOptions.NoInlining)] // as MatchesCxx
        private bool MatchesAlias(Site* site)
        {
            Site alias = *site;
            while (true)
            {
                alias.Name += alias.NameLength + 1;
                ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(alias.Name);
                if (name.IsEmpty)
                {
                    return false;
                }

                alias.NameLength = (ushort)name.Length;
                alias.HasVersion = name.Contains((byte)'@');
                if (MatchesName(&alias))
                {
                    return true;
                }
            }
        }

        private bool MatchesName(Site* site)
        {
            if (Form != NameForm.Symbol)
            {
                return MatchesCxx(site);
            }

            var name = new ReadOnlySpan<byte>(site->Name, site->NameLength);
            return MatchesText(name) || (site->HasVersion && MatchesText(WithoutVersion(name)));
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private bool MatchesText(ReadOnlySpan<byte> name) => Matches(name);

        private static ReadOnlySpan<byte> WithoutVersion(ReadOnlySpan<byte> name)
        {
            int version = name.IndexOf((byte)'@');
            return version < 0 ? name : name[..version];
        }

        [MethodImpl(MethodImplOptions.NoInlining)] // its frame would slow the other path down by a third
        private bool MatchesCxx(Site* site)
        {
            CxxName name = DisplayNames.PartsOf(site);
            if (MatchesText(name.WithoutParameters)
                || (Form == NameForm.Any && (MatchesText(name.WithoutResult) || MatchesText(name.All) || MatchesText(name.WithoutQualifiers))))
            {
                return true;
            }

            return name.HasOmissions && MatchesShortened(name);
        }

        [MethodImpl(MethodImplOptions.NoInlining)] // few names need its buffer
        private bool MatchesShortened(CxxName name)
        {
            Span<byte> text = stackalloc byte[LongestShortened];
            for (CxxOmission omission = CxxOmission.Tags; omission <= CxxOmission.Arguments; omission++)
            {
                int length = name.Shorten(text, omission, out int parameters, out int end);
                if (MatchesText(text[..parameters]) || (Form == NameForm.Any && (MatchesText(text[..end]) || MatchesText(text[..length]))))
                {
                    return true;
                }
            }

            return false;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private bool Matches(ReadOnlySpan<byte> name)
        {
            if (Literal < 0)
            {
                return Glob.Matches(Name, name, Form == NameForm.Symbol ? GlobSyntax.Plain : GlobSyntax.Cxx);
            }

            return (Literal < NameLength || Literal == name.Length) && name.StartsWith(Name[..Literal]);
        }
    }
}
