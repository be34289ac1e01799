using Ftrace.Linux;

namespace Ftrace.Text;

/// <summary>
/// What signal handlers that are under way on a parked thread have interrupted: the contexts that the kernel saved on the
/// thread's stacks. The thread goes on there when the handlers return, though nothing of it shows in its registers.
/// </summary>
/// <remarks>
/// Found by their looks, upwards from the stack pointer: selectors of user code behind flags and addresses that can be. What looks like
/// one and is none, a copy or a remainder, does no harm to anybody: the address in it is moved only from the middle of a location
/// to its end. Source: struct rt_sigframe, arch/x86/include/asm/sigframe.h.
/// </remarks>
internal unsafe ref struct SavedContexts
{
    /// <summary>
    /// How far a handler's own calls may reach down the stack before they hide what it interrupted.
    /// </summary>
    private const ulong MaxDepth = 1 << 20;

    /// <summary>Stacks that are looked at: a handler's may be another one than what it interrupted.</summary>
    private const int MaxStacks = 8;

    private readonly byte* _buffer;
    private readonly int _size;
    private fixed ulong _starts[MaxStacks];
    private fixed ulong _ends[MaxStacks];
    private int _stacks;
    private int _current;
    private ulong _at;

    /// <param name="stackPointer">The thread's.</param>
    /// <param name="buffer">For the memory map.</param>
    /// <param name="size">Of the buffer.</param>
    public SavedContexts(ulong stackPointer, byte* buffer, int size)
    {
        _buffer = buffer;
        _size = size;
        Add(stackPointer);
        _at = _starts[0];
    }

    /// <summary>The next one.</summary>
    /// <returns>False if there are no more.</returns>
    public bool Next(out ulong context)
    {
        for (; _current < _stacks; _at = ++_current < _stacks ? _starts[_current] : 0)
        {
            ulong start = _starts[_current];
            ulong end = _ends[_current];
            for (; _at < end; _at += sizeof(ulong))
            {
                if (!Ucontext.AreUserSelectors(*(ulong*)_at))
                {
                    continue;
                }

                context = _at - Ucontext.SelectorsOffset;
                if (context >= start && context < _at && Ucontext.LooksSaved(context))
                {
                    Add(*Ucontext.Rsp(context));
                    _at += sizeof(ulong);
                    return true;
                }
            }
        }

        context = 0;
        return false;
    }

    /// <summary>Another stack to look at, unless it is one of those.</summary>
    private void Add(ulong stackPointer)
    {
        stackPointer = (stackPointer + sizeof(ulong) - 1) & ~(sizeof(ulong) - 1ul);
        for (int i = 0; i < _stacks; i++)
        {
            if (stackPointer >= _starts[i] && stackPointer < _ends[i])
            {
                return;
            }
        }

        var maps = new MapsReader(_buffer, _size);
        if (_stacks == MaxStacks || maps.Open() != 0)
        {
            return;
        }

        MapEntry map;
        while (maps.Next(stackPointer, out map) && map.End <= stackPointer)
        {
        }

        maps.Close();
        if (map.Start <= stackPointer && stackPointer < map.End && (map.Protection & Memory.ProtWrite) != 0 && (map.Protection & Memory.ProtRead) != 0)
        {
            _starts[_stacks] = stackPointer;
            _ends[_stacks++] = map.End - stackPointer < MaxDepth ? map.End : stackPointer + MaxDepth;
        }
    }
}
