using System;
using System.Buffers.Binary;
using System.Text;

namespace Ftrace.Tool.Attach;

/// <summary>
/// What is written below the stack pointer of a borrowed thread, so that a call which it is made to do ends by itself: the thread goes on as if
/// nothing had been, whether this process lives then or not.
/// </summary>
/// <remarks>
/// From the lowest address, where the stack pointer is when the function is entered:
/// <code>
///     the function returns to instructions that store rax as the result (StoreSequence), and then into setcontext(3) with
/// A   tgkill(pid, tid, signal): the thread stops for its tracer, which gives it another call to do, or its registers. The signal is one that is
///     ignored if there is no tracer: then the thread returns into rt_sigreturn(2) with
/// B   errno is stored, by the same instructions from their second byte on; then rt_sigreturn with
/// C   the thread as it was; a system call that it was in is made again
///     the result, two descriptors, the context A, a text
///     the extended state of C
///     the red zone, and what is the thread's
/// </code>
/// A is written anew for each call, while the thread is stopped beyond it; what follows is written once, before the thread's registers are changed.
/// Until errno's address is known, A continues with C. A is no signal frame: rt_sigreturn(2) makes the kernel forget how to restart the system call.
/// </remarks>
internal sealed class CallLayout
{
    public const int LongestText = 4096;

    private const int RedZone = 128;
    private const int Word = sizeof(ulong);
    private const int TgkillNumber = 234;
    private const ulong BadFlags = 0x10000 | 0x400 | 0x100 | 0x40000; // RF, DF, TF, AC

    private readonly Registers _original;
    private readonly CodeSequences _codes;
    private readonly StoreSequence _store;
    private readonly byte[] _image;
    private readonly int _slotB;
    private readonly int _frameB;
    private readonly int _skipped;
    private readonly int _slotC;
    private readonly int _frameC;
    private readonly int _data;
    private readonly int _context;
    private readonly int _text;
    private readonly ulong _callMask;

    /// <param name="original">How the thread is to go on, see <see cref="Restarted"/>.</param>
    /// <param name="mask">The signals that it blocks.</param>
    /// <param name="extended">Its extended state, as ptrace(2) has it.</param>
    /// <param name="codes">All found.</param>
    /// <param name="callMask">The signals that are blocked while A runs.</param>
    public CallLayout(in Registers original, ulong mask, ReadOnlySpan<byte> extended, CodeSequences codes, ulong callMask)
    {
        _original = original;
        _codes = codes;
        _store = codes.Store!.Value;
        _callMask = callMask;

        _slotB = (4 + _store.Words) * Word;
        _frameB = _slotB + Word;
        _skipped = _frameB + SignalFrame.Size;
        _slotC = _skipped + _store.Words * Word;
        _frameC = _slotC + Word;
        _data = _frameC + SignalFrame.Size;
        _context = _data + 2 * Word;
        _text = _context + UserContext.Size;
        int size = _text + LongestText;
        int extendedSize = ExtendedState.FrameBytes(extended);

        ulong top = (original.Rsp - RedZone - (ulong)extendedSize) & ~(ulong)(ExtendedState.Alignment - 1);
        Entry = ((top - (ulong)size) & ~15ul) - Word;
        int extendedAt = (int)(top - Entry);
        _image = new byte[extendedAt + extendedSize];
        ExtendedState.WriteFrame(_image.AsSpan(extendedAt), extended);
        WriteWord(_slotC, codes.Restorer);
        SignalFrame.Write(_image.AsSpan(_frameC), original, mask, top);
    }

    /// <summary>The stack pointer when a function is entered.</summary>
    public ulong Entry { get; }

    /// <summary>All of it, at <see cref="Entry"/>.</summary>
    public ReadOnlySpan<byte> Image => _image;

    /// <summary>Where the result is stored.</summary>
    public ulong Result => Entry + (ulong)_data;

    /// <summary>Two descriptors.</summary>
    public ulong Pair => Result + Word;

    /// <summary>A text that a function is called with.</summary>
    public ulong Text => Entry + (ulong)_text;

    /// <summary>What is written for each call: the words at <see cref="Entry"/>.</summary>
    public ReadOnlySpan<byte> CallImage => _image.AsSpan(0, _slotB);

    /// <summary>Likewise: the context A.</summary>
    public ReadOnlySpan<byte> ContextImage => _image.AsSpan(_context, UserContext.Size);

    /// <summary>Its address.</summary>
    public ulong Context => Entry + (ulong)_context;

    /// <summary>The stack pointer when the thread stops after a call.</summary>
    public ulong StopPointer => Entry + (ulong)(HasErrno ? _slotB : _slotC);

    /// <summary>How the thread is to go on if the system does not restart the call that it was interrupted in.</summary>
    public static Registers Restarted(in Registers stopped)
    {
        // ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK: include/linux/errno.h. Some calls return EINTR in their place.
        const int Eintr = 4;
        Registers registers = stopped;
        if (stopped.OrigRax >= 0 && (long)stopped.Rax is -512 or -513 or -514 or -516 or -Eintr)
        {
            registers.Rax = (ulong)stopped.OrigRax;
            registers.Rip -= 2;
        }

        return registers;
    }

    /// <summary>Writes frame B into the image.</summary>
    /// <param name="address">Of errno.</param>
    /// <param name="value">What it is to be again.</param>
    /// <returns>The part of the image, and its address.</returns>
    public (ulong Address, byte[] Bytes) SetErrno(ulong address, int value)
    {
        Registers registers = _original;
        registers.Rip = _store.ShortAddress;
        registers.Rsp = Entry + (ulong)_skipped;
        registers.Rax = (uint)value;
        SetStoreTarget(ref registers, address);
        WriteWord(_slotB, _codes.Restorer);
        SignalFrame.Write(_image.AsSpan(_frameB), Clean(registers), _callMask, 0);
        HasErrno = true;
        return (Entry + (ulong)_slotB, _image[_slotB.._slotC]);
    }

    /// <summary>True if frame B was written.</summary>
    public bool HasErrno { get; private set; }

    /// <summary>Writes the context A, and the words that lead to it, into the image.</summary>
    /// <param name="pid">The id of the process, as it knows it itself.</param>
    /// <param name="tid">The id of the thread, likewise.</param>
    /// <param name="signal">The signal that stops the thread.</param>
    public void SetCall(int pid, int tid, int signal)
    {
        WriteWord(0, _store.Address);
        int at = (1 + _store.Words) * Word;
        WriteWord(at, _codes.PopRdi);
        WriteWord(at + Word, Context);
        WriteWord(at + 2 * Word, _codes.SetContext);

        // syscall(3) moves its arguments.
        Registers registers = _original;
        registers.Rip = _codes.SystemCallFunction;
        registers.Rsp = StopPointer;
        registers.Rdi = TgkillNumber;
        registers.Rsi = (ulong)pid;
        registers.Rdx = (ulong)tid;
        registers.Rcx = (ulong)signal;
        UserContext.Write(_image.AsSpan(_context), registers, _callMask & ~(1ul << (signal - 1)), Context);
    }

    /// <summary>The registers with which the thread enters a function.</summary>
    /// <param name="function">Its address.</param>
    /// <param name="number">rax: the number of a system call.</param>
    /// <param name="arguments">At most four.</param>
    public Registers CallOf(ulong function, ulong number, ReadOnlySpan<ulong> arguments)
    {
        Registers registers = Clean(_original);
        registers.Rip = function;
        registers.Rsp = Entry;
        registers.Rax = number;
        registers.OrigRax = -1;
        registers.Rdi = arguments.Length > 0 ? arguments[0] : 0;
        registers.Rsi = arguments.Length > 1 ? arguments[1] : 0;
        registers.Rdx = arguments.Length > 2 ? arguments[2] : 0;
        registers.R10 = arguments.Length > 3 ? arguments[3] : 0;
        registers.Rcx = registers.R10;
        SetStoreTarget(ref registers, Result);
        return registers;
    }

    public static byte[] TextBytes(string text) => Encoding.UTF8.GetBytes(text + "\0");

    private static Registers Clean(Registers registers)
    {
        registers.Flags &= ~BadFlags;
        return registers;
    }

    private void SetStoreTarget(ref Registers registers, ulong target)
    {
        if (_store.UsesRbp)
        {
            registers.Rbp = _store.RegisterFor(target);
        }
        else
        {
            registers.Rbx = _store.RegisterFor(target);
        }
    }

    private void WriteWord(int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(_image.AsSpan(at), value);
}
