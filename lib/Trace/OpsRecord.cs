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

    /// <summary>The structure is a <see cref="FtraceGraphOps"/>.</summary>
    public bool IsGraph;

    public readonly ulong Flags => IsGraph ? ((FtraceGraphOps*)Ops)->Flags : Ops->Flags;

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

    /// <summary>Counts registrations: a lower number is that of an ops that was registered before.</summary>
    public ulong Registration;

    /// <summary>True while the ops is registered and changes where functions continue: no other such ops may have one of its functions.</summary>
    public readonly bool ModifiesIp => Id >= 0 && (Flags & FtraceOps.IpModify) != 0;

    public static OpsRecord* Create(FtraceOps* ops, bool isGraph)
    {
        var added = (OpsRecord*)Memory.Map(Bytes);
        if (added != null)
        {
            added->Ops = ops;
            added->IsGraph = isGraph;
            added->Id = -1;
        }

        return added;
    }

    public static void Free(OpsRecord* ops) => Memory.Unmap(ops, Bytes);

    /// <summary>There is a filter; without one, all functions are selected.</summary>
    public bool HasFilter
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
            int wordLength = CxxPattern.FindWord(name, out int word);
            *rule = new Rule
            {
                Ip = added->Ip,
                Kind = added->Kind,
                Negated = added->Negated,
                Form = added->Form,
                NameLength = (ushort)name.Length,
                FileLength = (ushort)file.Length,
                Literal = LiteralOf(name),
                Word = (ushort)word,
                WordLength = (ushort)wordLength,
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
                rule->IsPlain = rule->Kind != RuleKind.Ip && rule->Form == NameForm.Symbol && !rule->IsElsewhere;
                rule->NoteExact(target);
            }

            var only = (Rule*)rules;
            _isSimple = _ruleBytes != 0 && only->Size == _ruleBytes && only->Kind == RuleKind.Filter && !only->Negated;
            if (_ruleBytes == 0)
            {
                return IsGraph ? Selection.Some : Selection.All;
            }

            if (!_isSimple)
            {
                return Selection.Some;
            }

            if (only->IsElsewhere)
            {
                return Selection.None;
            }

            return only->Literal == 0 && !IsGraph ? Selection.All : Selection.Some;
        }
    }

    /// <summary>True if the function, of the selected object, is to be traced.</summary>
    public bool Wants(Site* site) => WantsByRules(site) && !(IsGraph && ReturnsTwice(site));

    /// <summary>
    /// True for functions that return twice: their block would be used by another call the second time. One of the function's names is among
    /// those that GCC takes for such functions, with up to two underscores before them.
    /// </summary>
    private static bool ReturnsTwice(Site* site)
    {
        var name = new ReadOnlySpan<byte>(site->Name, site->NameLength);
        bool found = ReturnsTwice(name);
        byte* at = site->Name;
        while (site->HasAliases && !name.IsEmpty && !found)
        {
            at += name.Length + 1;
            name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(at);
            found = ReturnsTwice(name);
        }

        return found;
    }

    private static bool ReturnsTwice(ReadOnlySpan<byte> name)
    {
        int version = name.IndexOf((byte)'@');
        name = version < 0 ? name : name[..version];
        name = name.StartsWith("_"u8) ? name[1..] : name;
        name = name.StartsWith("_"u8) ? name[1..] : name;
        return name.SequenceEqual("setjmp"u8) || name.SequenceEqual("sigsetjmp"u8) || name.SequenceEqual("vfork"u8)
            || name.SequenceEqual("getcontext"u8) || name.SequenceEqual("savectx"u8);
    }

    private bool WantsByRules(Site* site)
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
        Rule* last = LastRule;
        return last != null && last->Matches(site);
    }

    /// <summary>
    /// True if the rule that was added last is the full name of a function of the selected object. It then selects no other functions,
    /// whatever object they are in.
    /// </summary>
    public bool FixLastRule()
    {
        Rule* last = LastRule;
        if (last == null || !last->IsExactHere)
        {
            return false;
        }

        last->IsExact = true;
        return true;
    }

    /// <summary>False if the rule that was added last is the full name of no function.</summary>
    public bool LastRuleMayBeExact => LastRule != null && LastRule->Form == NameForm.Any;

    private Rule* LastRule
    {
        get
        {
            Rule* last = null;
            fixed (byte* rules = _rules) // a page of its own, which does not move
            {
                for (int at = 0; at < _ruleBytes; at += last->Size)
                {
                    last = (Rule*)(rules + at);
                }
            }

            return last;
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

        /// <summary>Of a C++ name: a word that is in the symbol of all functions that match.</summary>
        public ushort Word;

        /// <summary>0: there is none.</summary>
        public ushort WordLength;

        /// <summary>The selected object's file name does not match.</summary>
        public bool IsElsewhere;

        /// <summary>A name in the symbol table, and the selected object is not <see cref="IsElsewhere"/>.</summary>
        public bool IsPlain;

        /// <summary>When it was set, it was the full name of a function: it matches only such functions.</summary>
        public bool IsExact;

        /// <summary>It is the full name of a function of the selected object, or <see cref="IsExact"/>.</summary>
        public bool IsExactHere;

        private static ReadOnlySpan<byte> Scope => "::"u8;

        public readonly int Size => sizeof(Rule) + NameLength + FileLength;

        public Span<byte> Name => new((byte*)Unsafe.AsPointer(ref this) + sizeof(Rule), NameLength);

        public Span<byte> File => new((byte*)Unsafe.AsPointer(ref this) + sizeof(Rule) + NameLength, FileLength);

        public bool Matches(Site* site) =>
            // The usual case has the only copy of the comparison that is inlined.
            IsPlain && !site->HasVersion && !site->HasAliases ? Matches(new ReadOnlySpan<byte>(site->Name, site->NameLength)) : MatchesOther(site);

        [MethodImpl(MethodImplOptions.NoInlining)] // as MatchesCxx
        private bool MatchesOther(Site* site)
        {
            if (Kind == RuleKind.Ip)
            {
                return Ip == site->Ip || Ip == site->Function;
            }

            return !IsElsewhere && MatchesAny(site);
        }

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

        private bool MatchesText(ReadOnlySpan<byte> name, ReadOnlySpan<byte> pattern) =>
            pattern.IsEmpty ? MatchesText(name) : Glob.Matches(pattern, name, GlobSyntax.Cxx);

        private static ReadOnlySpan<byte> WithoutVersion(ReadOnlySpan<byte> name)
        {
            int version = name.IndexOf((byte)'@');
            return version < 0 ? name : name[..version];
        }

        /// <summary>
        /// Finds out whether the pattern is the full name of a function of an object. What a pattern may leave out is only left out if
        /// nothing has the name as it is.
        /// </summary>
        public void NoteExact(LoadedObject* target)
        {
            IsExactHere = Form == NameForm.Any && IsExact;
            if (Form != NameForm.Any || IsExact || IsElsewhere || Kind == RuleKind.Ip || Name[0] == '*')
            {
                return;
            }

            IsExactHere = true;
            for (int i = 0; i < target->SiteCount; i++)
            {
                if (Matches(target->FirstSite + i))
                {
                    return;
                }
            }

            IsExactHere = false;
        }

        [MethodImpl(MethodImplOptions.NoInlining)] // its frame would slow the other path down by a third
        private bool MatchesCxx(Site* site)
        {
            var symbol = new ReadOnlySpan<byte>(site->Name, site->NameLength);
            if (WordLength != 0 && symbol.IndexOf(Name.Slice(Word, WordLength)) < 0)
            {
                return false;
            }

            if (DisplayNames.IsRust(site))
            {
                return MatchesRust(site);
            }

            CxxName name = DisplayNames.PartsOf(site);
            return (!IsExactHere && MatchesForms(name, default)) || MatchesSpelled(name);
        }

        /// <summary>Compares the name's forms with a pattern; an empty one: the rule's own.</summary>
        private bool MatchesForms(CxxName name, ReadOnlySpan<byte> pattern)
        {
            if (MatchesText(name.WithoutParameters, pattern)
                || (Form == NameForm.Any
                    && (MatchesText(name.WithoutResult, pattern) || MatchesText(name.All, pattern) || MatchesText(name.WithoutQualifiers, pattern))))
            {
                return true;
            }

            return name.HasOmissions && MatchesShortened(name, pattern);
        }

        private bool MatchesShortened(CxxName name, ReadOnlySpan<byte> pattern)
        {
            Span<byte> text = NameBuffer.Short;
            for (CxxOmission omission = CxxOmission.Tags; omission <= CxxOmission.Arguments && !text.IsEmpty; omission++)
            {
                int length = name.Shorten(text, omission, out int parameters, out int end);
                if (MatchesText(text[..parameters], pattern)
                    || (Form == NameForm.Any && (MatchesText(text[..end], pattern) || MatchesText(text[..length], pattern))))
                {
                    return true;
                }
            }

            return false;
        }

        /// <summary>Compares the name with the pattern, both in the usual spelling.</summary>
        private bool MatchesSpelled(CxxName name)
        {
            // Parameters that are not compared need not be spelled.
            ReadOnlySpan<byte> compared = Form == NameForm.Any ? name.All : name.WithoutParameters;
            if (!IsExactHere && !CxxSpelling.MayDiffer(compared) && !CxxSpelling.MayDiffer(Name))
            {
                return false;
            }

            ReadOnlySpan<byte> spelled = Spell(name.All, isPattern: false, NameBuffer.Name);
            ReadOnlySpan<byte> pattern = Spell(Name, isPattern: true, NameBuffer.Pattern);
            var parts = new CxxName(spelled, name.IsPlain);
            if (IsExactHere)
            {
                return CxxPattern.IsLiteral(pattern, parts.All) || CxxPattern.IsLiteral(pattern, parts.WithoutResult);
            }

            bool isSame = spelled.SequenceEqual(name.All) && pattern.SequenceEqual(Name);
            return !isSame && MatchesForms(parts, pattern);
        }

        private static ReadOnlySpan<byte> Spell(ReadOnlySpan<byte> text, bool isPattern, Span<byte> to)
        {
            int length = CxxSpelling.MayDiffer(text) && text.Length <= to.Length ? CxxSpelling.Write(text, isPattern, to) : 0;
            return length == 0 ? text : to[..length];
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private bool MatchesRust(Site* site)
        {
            ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(DisplayNames.NameOf(site));
            if (IsExactHere)
            {
                return CxxPattern.IsLiteral(Name, name);
            }

            if (MatchesText(name))
            {
                return true;
            }

            Span<byte> text = NameBuffer.Short;
            ReadOnlySpan<byte> hash = RustDemangler.HashOf(new ReadOnlySpan<byte>(site->Name, site->NameLength));
            if (text.Length < name.Length + Scope.Length + hash.Length)
            {
                return false;
            }

            for (RustOmission omission = RustOmission.LastArguments; omission <= RustOmission.All && RustName.HasOmissions(name); omission++)
            {
                int length = RustName.Shorten(name, omission, text);
                if (MatchesText(text[..length]))
                {
                    return true;
                }
            }

            name.CopyTo(text);
            Scope.CopyTo(text[name.Length..]);
            hash.CopyTo(text[(name.Length + Scope.Length)..]);
            return !hash.IsEmpty && MatchesText(text[..(name.Length + Scope.Length + hash.Length)]);
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
