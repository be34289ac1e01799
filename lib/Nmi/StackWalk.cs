using System;
using System.Runtime.CompilerServices;
using Ftrace.Linux;

namespace Ftrace.Nmi;

/// <summary>
/// Searches the stacks that a thread will return to: from its stack pointer upwards, and from the stack pointers in the contexts that the
/// kernel saved there for signal handlers. As <c>SavedContexts</c>, but it can run in any context, and answers one question.
/// </summary>
/// <remarks>
/// A context is recognized by what the kernel always writes. The remainder of one looks the same: then the thread seems to be in a
/// handler that has ended. No context of a running handler is missed, as long as the handler's own calls use less than
/// <see cref="MaxDepth"/> of a stack that is not the thread's own.
/// </remarks>
[NoInstr]
internal unsafe struct StackWalk
{
    private const ulong MaxDepth = 1 << 20;
    private const int MaxStacks = 6;

    /// <summary>Saved contexts that were found.</summary>
    public int Contexts;

    /// <summary>The sought address is on one of the stacks, farther up than the thread's stack pointer.</summary>
    public bool Reached;

    /// <summary>A context below that address shows that Native/trace_entry.S was interrupted in the call that the address belongs to.</summary>
    public bool Interrupted;

    /// <summary>There are more stacks than can be searched.</summary>
    public bool IsTruncated;

    private int _stacks;
    private StartsOfStacks _starts;

    /// <param name="stack">The thread's own stack; its bounds are updated.</param>
    /// <param name="stackPointer">The thread's stack pointer.</param>
    /// <param name="sought">An address to search for; 0: none.</param>
    /// <param name="maxContexts">The search ends after so many contexts; 0: no limit.</param>
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
                return; // the search from there gets here
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

    /// <summary>Not a fixed buffer: for one the compiler adds a check by the runtime (a security cookie).</summary>
    [InlineArray(MaxStacks)]
    private struct StartsOfStacks
    {
        private ulong _first;
    }
}
