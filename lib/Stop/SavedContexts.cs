using System;
using Ftrace.Linux;

namespace Ftrace.Stop;

/// <summary>
/// What signal handlers that are under way on a parked thread have interrupted: the contexts that the kernel saved on the
/// thread's stacks. The thread goes on there when the handlers return, though nothing of it shows in its registers.
/// </summary>
/// <remarks>
/// <para>Recognized heuristically, upwards from the stack pointer: selectors of user code after flags and addresses that can be. A copy,
/// or what remains of a handler that has ended, looks the same. So an address found in one counts only where a thread can stand, in a
/// location of several instructions: there it may refuse a change for no reason, and is moved from between nops to their end.
/// Everywhere else it is neither. Source: struct rt_sigframe, arch/x86/include/asm/sigframe.h.</para>
/// <para>Where a stack ends is not known: it is looked at as far as there is memory. One mapping may hold the stacks of several
/// threads and the guards between them, one stack may be several mappings, and to look them up for each thread would
/// take long where the system has only the text of them.</para>
/// </remarks>
internal unsafe ref struct SavedContexts
{
    /// <summary>
    /// How far a handler's own calls may reach down the stack before they hide what it interrupted.
    /// </summary>
    private const ulong MaxDepth = 1 << 20;

    /// <summary>Stacks that are looked at: a handler's may be another one than what it interrupted.</summary>
    private const int MaxStacks = 32;

    private const ulong MaxAddress = 1ul << 56;

    private fixed ulong _starts[MaxStacks];
    private fixed ulong _ends[MaxStacks];
    private int _stacks;
    private int _current;
    private ulong _at;
    private ulong _known; // up to here memory can be read

    /// <summary>There are more stacks than fit: somebody may have been missed.</summary>
    public bool IsIncomplete { get; private set; }

    /// <param name="stackPointer">The thread's.</param>
    public SavedContexts(ulong stackPointer)
    {
        Add(stackPointer);
        Begin();
    }

    /// <summary>The next one.</summary>
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

    /// <summary>Where the last context may begin, in memory of this stack that can be read. False at its end.</summary>
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

    /// <summary>Another stack to look at, unless it is one of those.</summary>
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

        // What remains of a handler may lead to anything: it must not take the place of a stack that is one.
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
