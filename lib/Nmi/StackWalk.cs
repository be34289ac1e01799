using System;
using System.Runtime.CompilerServices;
using Ftrace.Linux;

namespace Ftrace.Nmi;

/// <summary>
/// What a thread is in the middle of: the stacks from its stack pointer upwards, and from those of the contexts on them that the
/// kernel saved for signal handlers. As <c>SavedContexts</c>, for any context, and for one question.
/// </summary>
/// <remarks>
/// A context is recognized by what the kernel always writes. A remainder of one is taken for one: then the thread seems to be in a handler
/// that has ended. None of a handler that is under way is missed, as long as its own calls take less than <see cref="MaxDepth"/>
/// of a stack that is not the thread's own.
/// </remarks>
[NoInstr]
internal unsafe struct StackWalk
{
    private const ulong MaxDepth = 1 << 20;
    private const int MaxStacks = 6;

    /// <summary>Saved contexts that were found.</summary>
    public int Contexts;

    /// <summary>The address that was looked for is on one of the stacks, farther up than the thread is.</summary>
    public bool Reached;

    /// <summary>A context below that address has interrupted Native/trace_entry.S there.</summary>
    public bool Interrupted;

    /// <summary>There were more stacks than can be looked at.</summary>
    public bool IsTruncated;

    private int _stacks;
    private StartsOfStacks _starts;

    /// <param name="stack">The thread's own; learns.</param>
    /// <param name="stackPointer">Where the thread is.</param>
    /// <param name="sought">An address to look for; 0: none.</param>
    /// <param name="maxContexts">Contexts after which to stop looking; 0: all.</param>
    public static StackWalk Run(ref ThreadStack stack, ulong stackPointer, ulong sought, int maxContexts = 0)
    {
        var walk = new StackWalk { _starts = default };
        walk.Add(stackPointer);
        for (int i = 0; i < walk._stacks; i++)
        {
            walk.Scan(ref stack, i, sought, maxContexts);
            if (walk.Reached || (maxContexts != 0 && walk.Contexts >= maxContexts))
            {
                break;
            }
        }

        return walk;
    }

    private ulong* Starts => (ulong*)Unsafe.AsPointer(ref _starts);

    private void Scan(ref ThreadStack stack, int number, ulong sought, int maxContexts)
    {
        ulong at = Starts[number];
        bool own = stack.Contains(at);
        ulong end = own ? stack.Top : at + MaxDepth;
        bool here = sought >= at && sought < end;
        end = here ? sought + TraceText.LargestFrame + Ucontext.RegistersEnd : end; // what is farther up does not matter
        ulong known = own ? Math.Min(end, stack.Top) : at;
        for (; ; at += sizeof(ulong))
        {
            while (known < at + Ucontext.RegistersEnd)
            {
                if (known >= end || own || !OwnMemory.CanRead(known))
                {
                    Reached = here && (own || sought < known);
                    return;
                }

                known = (known | (Memory.PageSize - 1)) + 1;
            }

            if (at + Ucontext.RegistersEnd > end)
            {
                Reached = here;
                return;
            }

            if (Ucontext.MayBeSaved(at))
            {
                AddContext(at, sought);
                if (maxContexts != 0 && Contexts >= maxContexts)
                {
                    return;
                }
            }
        }
    }

    private void AddContext(ulong context, ulong sought)
    {
        ulong interrupted = *Ucontext.Rsp(context);
        ulong rip = *Ucontext.Rip(context);
        Contexts++;
        Interrupted |= TraceText.Contains(rip)
            && interrupted - (sought - Native.Table->VectorsSize - 2 * TraceText.LargestFrame) < Native.Table->VectorsSize + 3 * TraceText.LargestFrame;
        Add(interrupted);
    }

    private void Add(ulong stackPointer)
    {
        stackPointer = (stackPointer + sizeof(ulong) - 1) & ~(sizeof(ulong) - 1ul);
        for (int i = 0; i < _stacks; i++)
        {
            if (stackPointer >= Starts[i] && stackPointer - Starts[i] < MaxDepth)
            {
                return; // on the way up from there
            }
        }

        if (_stacks == MaxStacks)
        {
            IsTruncated = true;
            return;
        }

        if (stackPointer >= Memory.PageSize && stackPointer < 1ul << 56)
        {
            Starts[_stacks++] = stackPointer;
        }
    }

    /// <summary>No fixed buffer: the compiler would have the runtime check the stack.</summary>
    [InlineArray(MaxStacks)]
    private struct StartsOfStacks
    {
        private ulong _first;
    }
}
