using System;
using Ftrace.Linux;

namespace Ftrace.Stop;

/// <summary>
/// The contexts that the kernel saved on a parked thread's stacks when signal handlers interrupted it. The thread resumes there when
/// the handlers return, although its registers do not show it.
/// </summary>
/// <remarks>
/// <para>They are recognized heuristically, upwards from the stack pointer: plausible flags and addresses, and the selectors of user code.
/// A copy of a context, or the remainder of a handler that has ended, looks the same. So an address found in one counts only inside a
/// location of several instructions: there it may refuse a change without need, and an address between nops is moved to their end.
/// Everywhere else it has no effect. Source: struct rt_sigframe, arch/x86/include/asm/sigframe.h.</para>
/// <para>The end of a stack is not known: it is searched as far as there is memory. One mapping may hold the stacks of several
/// threads and the guards between them, one stack may consist of several mappings, and looking them up for each thread takes long
/// on a kernel that has them as text only.</para>
/// </remarks>
internal unsafe ref struct SavedContexts
{
    /// <summary>
    /// How much stack a handler's own calls may use before they hide what the handler interrupted.
    /// </summary>
    private const ulong MaxDepth = 1 << 20;

    /// <summary>Stacks that are searched: a handler may run on another stack than what it interrupted.</summary>
    private const int MaxStacks = 32;

    private const ulong MaxAddress = 1ul << 56;

    private fixed ulong _starts[MaxStacks];
    private fixed ulong _ends[MaxStacks];
    private int _stacks;
    private int _current;
    private ulong _at;
    private ulong _known; // memory below this address has been found to be readable

    /// <summary>There are more stacks than fit: a context may have been missed.</summary>
    public bool IsIncomplete { get; private set; }

    /// <param name="stackPointer">The thread's stack pointer.</param>
    public SavedContexts(ulong stackPointer)
    {
        Add(stackPointer);
        Begin();
    }

    /// <summary>The next context.</summary>
    /// <returns>False if there are no more.</returns>
    public bool Next(out ulong context)
    {
        for (; _current < _stacks; Begin())
        {
            while (Reach(out ulong last))
            {
                while (_at <= last)
                {
                    context = _at;
                    _at += sizeof(ulong);
                    if (Ucontext.MayBeSaved(context))
                    {
                        Add(*Ucontext.Rsp(context));
                        return true;
                    }
                }
            }

            _current++;
        }

        context = 0;
        return false;
    }

    private void Begin()
    {
        _at = _current < _stacks ? _starts[_current] : 0;
        _known = _at;
    }

    /// <summary>The last address at which a context may begin in readable memory of this stack. False at the stack's end.</summary>
    private bool Reach(out ulong last)
    {
        ulong end = _ends[_current];
        while (_known < _at + Ucontext.RegistersEnd && _known < end && OwnMemory.CanRead(_known))
        {
            _known = (_known | (Memory.PageSize - 1)) + 1;
        }

        end = Math.Min(_known, end);
        last = end - Ucontext.RegistersEnd;
        return _at + Ucontext.RegistersEnd <= end;
    }

    /// <summary>Adds a stack to search, unless it is already one of them.</summary>
    private void Add(ulong stackPointer)
    {
        stackPointer = (stackPointer + sizeof(ulong) - 1) & ~(sizeof(ulong) - 1ul);
        ulong end = stackPointer + MaxDepth;
        for (int i = 0; i < _stacks; i++)
        {
            if (stackPointer >= _starts[i] && stackPointer < _ends[i] && (i >= _current || end <= _ends[i]))
            {
                _ends[i] = Math.Max(_ends[i], end);
                return;
            }
        }

        // The remainder of a handler may hold any stack pointer: it must not use up the space for a real stack.
        if (stackPointer >= MaxAddress || !OwnMemory.CanRead(stackPointer))
        {
            return;
        }

        IsIncomplete |= _stacks == MaxStacks;
        if (!IsIncomplete)
        {
            _starts[_stacks] = stackPointer;
            _ends[_stacks++] = end;
        }
    }
}
