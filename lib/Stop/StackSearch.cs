using System;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.X86;

namespace Ftrace.Stop;

/// <summary>
/// Searches the stacks that a thread will return to for addresses of a range: every aligned word from its stack pointer to the end of the
/// stack, and likewise from the stack pointers in the contexts that the kernel saved there for signal handlers.
/// </summary>
/// <remarks>
/// <para>As <see cref="SavedContexts"/>, but what matters here are not only contexts, and a word must not be missed: the thread's own stack
/// is searched to its end, however deep the thread is in it. The end of another stack is known only if it is an alternate stack. Otherwise
/// it is searched as far as there is memory, <see cref="MaxDepth"/> at most: a stack that is part of the heap would not end.</para>
/// <para>Nothing below the stack pointer counts, not even the red zone: what is left there of calls that have ended would make a thread
/// seem to be in code that it has left for as long as it does not overwrite it. No return address is ever there.</para>
/// </remarks>
internal unsafe ref struct StackSearch
{
    /// <summary>How much of a stack is searched whose end is not known.</summary>
    private const ulong MaxDepth = 1 << 20;

    private const int MaxStacks = 32;
    private const ulong MaxAddress = 1ul << 56;

    private readonly AddressRange _range;

    /// <summary>Only return addresses count: the thread is in a call, so its stacks have no other address that it will go to.</summary>
    private readonly bool _returnsOnly;

    private fixed ulong _starts[MaxStacks];
    private fixed ulong _ends[MaxStacks];
    private int _stacks;
    private bool _isIncomplete;
    private ThreadStack _own;

    /// <param name="range">What to search for.</param>
    /// <param name="own">The thread's own stack.</param>
    /// <param name="returnsOnly">The thread is in a call: only return addresses count.</param>
    public StackSearch(AddressRange range, ThreadStack own, bool returnsOnly)
    {
        _range = range;
        _own = own;
        _returnsOnly = returnsOnly;
    }

    /// <summary>Searches.</summary>
    /// <param name="stackPointer">The thread's.</param>
    /// <param name="found">The address, if it was found.</param>
    /// <returns>True if an address of the range is on one of the stacks, or may be, because there are too many: then it is 0.</returns>
    public bool Find(ulong stackPointer, out ulong found)
    {
        Add(stackPointer);
        found = 0;
        for (int i = 0; i < _stacks; i++)
        {
            if (Find(i, out found))
            {
                return true;
            }
        }

        return _isIncomplete;
    }

    private bool Find(int number, out ulong found)
    {
        ulong start = _starts[number];
        AddressRange range = _range;
        for (ulong at = start; at < _ends[number]; at += sizeof(ulong))
        {
            found = *(ulong*)at;
            if (range.IsReachedFrom(found) && (!_returnsOnly || IsReturn(found)))
            {
                return true;
            }

            // Most words are decided here.
            if (found > Ucontext.MaxContextFlags || at + Ucontext.RegistersEnd > _ends[number] || !Ucontext.MayBeSaved(at))
            {
                continue;
            }

            // The thread goes to this address by a return of the kernel's, whatever is before it.
            found = *Ucontext.Rip(at);
            if (_range.IsReachedFrom(found))
            {
                return true;
            }

            // A handler on the alternate stack: its frame is at the end of that stack, and has the bounds.
            AlternateStack alternate = Ucontext.AlternateStackOf(at);
            if (alternate.Contains(at) && alternate.Contains(start) && !_own.Contains(start))
            {
                _ends[number] = Math.Min(_ends[number], alternate.Start + alternate.Size);
            }

            Add(*Ucontext.Rsp(at));
        }

        found = 0;
        return false;
    }

    /// <summary>Adds a stack to search, unless it is part of one of them.</summary>
    private void Add(ulong stackPointer)
    {
        stackPointer &= ~(sizeof(ulong) - 1ul);
        for (int i = 0; i < _stacks; i++)
        {
            if (stackPointer >= _starts[i] && stackPointer < _ends[i])
            {
                return;
            }
        }

        // The remainder of a handler may hold any stack pointer.
        if (stackPointer >= MaxAddress || !OwnMemory.CanRead(stackPointer))
        {
            return;
        }

        if (_stacks == MaxStacks)
        {
            _isIncomplete = true;
            return;
        }

        _starts[_stacks] = stackPointer;
        _ends[_stacks++] = EndOf(stackPointer);
    }

    private ulong EndOf(ulong stackPointer)
    {
        if (_own.Contains(stackPointer))
        {
            return _own.Top & ~(sizeof(ulong) - 1ul);
        }

        // The words of the first thread are not on its stack: what is below them, as an alternate stack, may have been taken for it.
        ThreadStack first = ThreadStack.Of(null);
        if (first.Contains(stackPointer))
        {
            return first.Top & ~(sizeof(ulong) - 1ul);
        }

        ulong end = stackPointer + MaxDepth;
        ulong known = stackPointer;
        while (known < end && OwnMemory.CanRead(known))
        {
            known = (known | (Memory.PageSize - 1)) + 1;
        }

        return Math.Min(known, end) & ~(sizeof(ulong) - 1ul);
    }

    /// <summary>True if there may be a call before this address.</summary>
    private readonly bool IsReturn(ulong address)
    {
        int length = (int)Math.Min(address - _range.Start, X86Instruction.LongestCall);
        ulong first = address - (ulong)length;
        return length != 0 && OwnMemory.CanRead(first) && OwnMemory.CanRead(address - 1)
            && X86Instruction.MayEndWithCall(new ReadOnlySpan<byte>((void*)first, length));
    }
}
