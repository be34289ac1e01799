using System;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>Writes how it is recorded: lines "key=value".</summary>
internal static unsafe class RecordedOptions
{
    private const int Size = 8192;
    private const int LongestPatterns = 2048;
    private const long MeasuredNs = 200_000;

    /// <summary>What was written last; a forked child writes it again.</summary>
    private static byte* s_text;
    private static int s_length;

    /// <param name="options">As they were given.</param>
    /// <param name="begin">The clocks at the start, for the rate of the TSC.</param>
    /// <param name="hasChildren">Forked children are recorded.</param>
    public static void Write(in TracingOptions options, in ClockTimes begin, bool hasChildren)
    {
        s_text = s_text != null ? s_text : (byte*)Memory.Map(Size);
        byte* buffer = s_text;
        int length = 0;
        if (buffer == null)
        {
            return;
        }

        Add(buffer, ref length, "tsc_hz="u8, MeasureRate(begin));
        Add(buffer, ref length, "mode="u8, (options.Flags & TracingOptions.Stream) != 0 ? "stream"u8 : "flight"u8);
        Add(buffer, ref length, "plugin="u8, PluginOf(options.Flags));
        Add(buffer, ref length, "off="u8, (options.Flags & TracingOptions.Off) != 0 ? 1u : 0);
        Add(buffer, ref length, "children="u8, hasChildren ? 1u : 0);
        Add(buffer, ref length, "buffer="u8, RingPool.RingBytes);
        Add(buffer, ref length, "max_size="u8, RecordFile.MaxSize);
        Add(buffer, ref length, "depth="u8, options.MaxDepth);
        Add(buffer, ref length, "min_time_ns="u8, options.MinTimeNs);
        Add(buffer, ref length, "hz="u8, options.Hz);
        Add(buffer, ref length, "snapshot_signal="u8, (ulong)options.SnapshotSignal);
        Add(buffer, ref length, "filter="u8, Patterns(options.Filter));
        Add(buffer, ref length, "notrace="u8, Patterns(options.Notrace));

        s_length = length;
        WriteAgain();
    }

    /// <summary>Writes the same as before, into the file of a forked child.</summary>
    public static void WriteAgain()
    {
        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        if (InfoWriter.Begin(InfoKind.Options, 2 * sizeof(uint) + s_length))
        {
            InfoWriter.Add((uint)s_length);
            InfoWriter.Add(0u);
            InfoWriter.Add(new ReadOnlySpan<byte>(s_text, s_length));
            InfoWriter.End();
        }

        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
    }

    private static ReadOnlySpan<byte> PluginOf(uint flags)
    {
        if ((flags & TracingOptions.Sample) != 0)
        {
            return "sample"u8;
        }

        return (flags & TracingOptions.Function) != 0 ? "function"u8 : "graph"u8;
    }

    /// <summary>
    /// Units of the TSC in a second, from two readings of the clocks: the start takes milliseconds anyway. Each reading is
    /// true to some tens of nanoseconds.
    /// </summary>
    private static ulong MeasureRate(in ClockTimes begin)
    {
        ClockTimes now = ClockTimes.Read();
        while (now.MonotonicNs - begin.MonotonicNs < MeasuredNs)
        {
            now = ClockTimes.Read();
        }

        return (ulong)((UInt128)(now.Tsc - begin.Tsc) * Clock.NsPerSecond / (now.MonotonicNs - begin.MonotonicNs));
    }

    private static ReadOnlySpan<byte> Patterns(byte* text)
    {
        ReadOnlySpan<byte> patterns = text == null ? default : MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text);
        return patterns[..Math.Min(patterns.Length, LongestPatterns)];
    }

    private static void Add(byte* buffer, ref int length, ReadOnlySpan<byte> key, ulong value)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out int count);
        Add(buffer, ref length, key, digits[..count]);
    }

    private static void Add(byte* buffer, ref int length, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var rest = new Span<byte>(buffer + length, Size - length);
        key.CopyTo(rest);
        value.CopyTo(rest[key.Length..]);
        rest.Slice(key.Length, value.Length).Replace((byte)'\n', (byte)';');
        rest[key.Length + value.Length] = (byte)'\n';
        length += key.Length + value.Length + 1;
    }
}
