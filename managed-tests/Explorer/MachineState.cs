using System;

namespace Ftrace.Tests.Explorer;

/// <summary>The whole simulated machine in one array of bytes, so that it can be copied and hashed.</summary>
internal sealed class MachineState
{
    private const int MaxBuffered = 12;
    private const int MaxFrames = 6;
    private const int MaxText = 4;

    private const int Memory = 0;
    private const int GenerationAt = Memory + Word.Text + MaxText;
    private const int JoinedAt = GenerationAt + 1;
    private const int BatchAt = JoinedAt + 1;
    private const int SettledAt = BatchAt + 1;
    private const int FirstCpu = SettledAt + MaxText / Word.InstructionSize;

    // Of each CPU:
    private const int OwnAt = 0;
    private const int StopPendingAt = OwnAt + Word.Own;
    private const int ParkedAt = StopPendingAt + 1;
    private const int BudgetAt = ParkedAt + 1;
    private const int FetchingAt = BudgetAt + 1;
    private const int CookieAt = FetchingAt + 1;
    private const int TrapAt = CookieAt + 1;
    private const int BeganAt = TrapAt + 1;
    private const int MaskAt = BeganAt + 1;
    private const int ArrivalMaskAt = MaskAt + 1;
    private const int StaleAt = ArrivalMaskAt + 1;
    private const int BufferedAt = StaleAt + MaxText;
    private const int BufferAt = BufferedAt + 1;
    private const int FramesAt = BufferAt + 2 * MaxBuffered;
    private const int FrameAt = FramesAt + 1;
    private const int CpuSize = FrameAt + 2 * MaxFrames;

    private readonly byte[] _bytes;

    public MachineState(int cpus) => _bytes = new byte[FirstCpu + cpus * CpuSize];

    private MachineState(byte[] bytes) => _bytes = bytes;

    public MachineState Clone() => new((byte[])_bytes.Clone());

    /// <summary>Shared words and text, as memory has them.</summary>
    public ref byte this[byte word] => ref _bytes[Memory + word];

    /// <summary>Odd while a stop is on.</summary>
    public ref byte Generation => ref _bytes[GenerationAt];

    /// <summary>CPUs that have joined it.</summary>
    public ref byte Joined => ref _bytes[JoinedAt];

    /// <summary>The batch whose memory is valid, as <see cref="Batch.Word"/>; 0: none. If it is kept, only what is kept is valid.</summary>
    public ref byte Batch => ref _bytes[BatchAt];

    /// <summary>The code that everybody must execute who begins now; 0: either one; <see cref="MayGoBack"/>; <see cref="AnyCode"/>: either one, for ever.</summary>
    public ref byte Settled(int location) => ref _bytes[SettledAt + location - 1];

    /// <summary>A location that could not be put back.</summary>
    public const byte AnyCode = 0xff;

    /// <summary>
    /// Of a change that fails: the new code has been executed. Who begins now executes it too, or the old code; and when somebody has
    /// executed that again, nobody executes the new one any more.
    /// </summary>
    public const byte MayGoBack = 0xfe;

    /// <summary>A word of the CPU's thread, such as <see cref="Word.Saved"/>.</summary>
    public ref byte Own(int cpu, byte word) => ref Cpu(cpu, OwnAt + word);

    /// <summary>Generation of a stop signal that was sent and is not delivered; 0: none.</summary>
    public ref byte StopPending(int cpu) => ref Cpu(cpu, StopPendingAt);

    /// <summary>Generation of the stop signal that was delivered last.</summary>
    public ref byte Cookie(int cpu) => ref Cpu(cpu, CookieAt);

    /// <summary>Generation of the stop that the CPU has joined; 0: none.</summary>
    public ref byte Parked(int cpu) => ref Cpu(cpu, ParkedAt);

    /// <summary>NMIs that may still arrive.</summary>
    public ref byte Budget(int cpu) => ref Cpu(cpu, BudgetAt);

    /// <summary>Location whose bytes are being fetched, from 1; 0: between instructions.</summary>
    public ref byte Fetching(int cpu) => ref Cpu(cpu, FetchingAt);

    /// <summary>Bit a value: a byte of text had it before it changed, and it may have been fetched ahead.</summary>
    public ref byte Stale(int cpu, byte word) => ref Cpu(cpu, StaleAt + word - Word.Text);

    /// <summary>The CPU serializes.</summary>
    public void Serialize(int cpu) => _bytes.AsSpan(FirstCpu + cpu * CpuSize + StaleAt, MaxText).Clear();

    public bool IsSerialized(int cpu) => !_bytes.AsSpan(FirstCpu + cpu * CpuSize + StaleAt, MaxText).ContainsAnyExcept((byte)0);

    /// <summary>0: no trap; <see cref="TrapRaised"/>; <see cref="TrapDelivered"/>.</summary>
    public ref byte Trap(int cpu) => ref Cpu(cpu, TrapAt);

    /// <summary>SIGTRAP is raised, the CPU is in the kernel.</summary>
    public const byte TrapRaised = 1;

    /// <summary>The CPU is in the handler of SIGTRAP, all signals are blocked.</summary>
    public const byte TrapDelivered = 2;

    /// <summary>What the location that the CPU executes was settled on when it began.</summary>
    public ref byte Began(int cpu) => ref Cpu(cpu, BeganAt);

    /// <summary>Bit a context, the thread's is the lowest: it has SIGTRAP blocked.</summary>
    public ref byte Mask(int cpu) => ref Cpu(cpu, MaskAt);

    /// <summary>The same when the context began.</summary>
    public ref byte ArrivalMask(int cpu) => ref Cpu(cpu, ArrivalMaskAt);

    public int Buffered(int cpu) => Cpu(cpu, BufferedAt);

    /// <summary>A store goes to the end of the buffer.</summary>
    public void Buffer(int cpu, byte word, byte value)
    {
        int count = Cpu(cpu, BufferedAt)++;
        if (count == MaxBuffered)
        {
            throw new InvalidOperationException("store buffer of the simulated machine is too small");
        }

        Cpu(cpu, BufferAt + 2 * count) = word;
        Cpu(cpu, BufferAt + 2 * count + 1) = value;
    }

    /// <summary>The word of a store in the buffer; the oldest is number 0.</summary>
    public byte BufferedWord(int cpu, int at) => Cpu(cpu, BufferAt + 2 * at);

    /// <summary>A store leaves the buffer.</summary>
    public (byte Word, byte Value) Unbuffer(int cpu, int at = 0)
    {
        int count = --Cpu(cpu, BufferedAt);
        (byte, byte) store = (Cpu(cpu, BufferAt + 2 * at), Cpu(cpu, BufferAt + 2 * at + 1));
        for (int i = 2 * at; i < 2 * count; i++)
        {
            Cpu(cpu, BufferAt + i) = Cpu(cpu, BufferAt + i + 2);
        }

        Cpu(cpu, BufferAt + 2 * count) = 0;
        Cpu(cpu, BufferAt + 2 * count + 1) = 0;
        return store;
    }

    /// <summary>The newest store to a word in the CPU's own buffer.</summary>
    public bool Forwards(int cpu, byte word, out byte value)
    {
        for (int i = Cpu(cpu, BufferedAt) - 1; i >= 0; i--)
        {
            if (Cpu(cpu, BufferAt + 2 * i) == word)
            {
                value = Cpu(cpu, BufferAt + 2 * i + 1);
                return true;
            }
        }

        value = 0;
        return false;
    }

    /// <summary>Contexts on the CPU: the thread at the bottom, handlers on top.</summary>
    public int Frames(int cpu) => Cpu(cpu, FramesAt);

    /// <summary>The node of a context.</summary>
    public int Frame(int cpu, int depth) => Cpu(cpu, FrameAt + 2 * depth) | Cpu(cpu, FrameAt + 2 * depth + 1) << 8;

    public void SetTop(int cpu, int node)
    {
        int depth = Frames(cpu) - 1;
        Cpu(cpu, FrameAt + 2 * depth) = (byte)node;
        Cpu(cpu, FrameAt + 2 * depth + 1) = checked((byte)(node >> 8));
    }

    public void Push(int cpu, int node)
    {
        if (Cpu(cpu, FramesAt)++ == MaxFrames)
        {
            throw new InvalidOperationException("too many contexts on a simulated CPU");
        }

        SetTop(cpu, node);
    }

    public void Pop(int cpu)
    {
        SetTop(cpu, 0);
        Cpu(cpu, FramesAt)--;
    }

    /// <summary>128 bits of hash: two states that differ have the same one never in practice.</summary>
    public UInt128 Hash()
    {
        ulong a = 0x9e3779b97f4a7c15;
        ulong b = 0xc2b2ae3d27d4eb4f;
        foreach (byte value in _bytes)
        {
            a = (a ^ value) * 0x100000001b3;
            b = ulong.RotateLeft(b + value, 23) * 0x9fb21c651e98df25;
        }

        a ^= a >> 32;
        b ^= b >> 29;
        return new UInt128(a * 0xff51afd7ed558ccd, b * 0xc4ceb9fe1a85ec53);
    }

    private ref byte Cpu(int cpu, int offset) => ref _bytes[FirstCpu + cpu * CpuSize + offset];
}
