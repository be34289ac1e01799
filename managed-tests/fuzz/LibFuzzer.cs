using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Counters = SharpFuzz.Common.Trace;

namespace Ftrace.Fuzz;

/// <summary>LLVM's fuzzer, in this process. Source: LLVM documentation, "libFuzzer" and "SanitizerCoverage".</summary>
internal static unsafe partial class LibFuzzer
{
    private const string Driver = "fuzzer-driver";

    // What SharpFuzz's instrumentation counts in.
    private const int CounterCount = 1 << 16;

    private static readonly int[] s_faults = [4, 6, 7, 8, 11]; // ILL, ABRT, BUS, FPE, SEGV

    private static Action<byte[]> s_target = static _ => { };

    public static int Run(Action<byte[]> target, bool isElf, string[] arguments)
    {
        s_target = target;
        if (isElf)
        {
            ftrace_fuzz_set_mutator(&Mutate);
        }

        byte* counters = (byte*)NativeMemory.AlignedAlloc(CounterCount, 4096);
        NativeMemory.Clear(counters, CounterCount);
        Counters.SharedMem = counters;

        // It reports a counter by its address in the program. These have none, but any that differ will do.
        var places = (nuint*)NativeMemory.AllocZeroed(2 * CounterCount, (nuint)sizeof(nuint));
        for (int i = 0; i < CounterCount; i++)
        {
            places[2 * i] = (nuint)(i + 1);
        }

        __sanitizer_cov_8bit_counters_init(counters, counters + CounterCount);
        __sanitizer_cov_pcs_init(places, places + 2 * CounterCount);

        // It leaves handlers alone that are there already, and the runtime's would turn a fault into its own end, without a word
        // about the input.
        foreach (int number in s_faults)
        {
            signal(number, 0);
        }

        int count = arguments.Length + 1;
        byte** pointers = (byte**)NativeMemory.AllocZeroed((nuint)(count + 1), (nuint)sizeof(byte*));
        pointers[0] = (byte*)Marshal.StringToCoTaskMemUTF8(Environment.ProcessPath);
        for (int i = 1; i < count; i++)
        {
            pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(arguments[i - 1]);
        }

        return LLVMFuzzerRunDriver(&count, &pointers, &RunOne);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RunOne(byte* data, nuint size)
    {
        try
        {
            byte[] input = new ReadOnlySpan<byte>(data, (int)size).ToArray();
            Counters.PrevLocation = 0;
            s_target(input);
        }
        catch (Exception exception)
        {
            Console.Error.WriteLine(exception);
            abort(); // which the fuzzer takes as a crash
        }

        return 0;
    }

    /// <summary>Both kinds in turn: libFuzzer's own makes files longer and shorter, and puts pieces of several together.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint Mutate(byte* data, nuint size, nuint most, uint seed)
    {
        if (seed % 2 == 0)
        {
            return LLVMFuzzerMutate(data, size, most);
        }

        new ElfMutator((int)(seed >> 1)).Mutate(new Span<byte>(data, (int)size));
        return size;
    }

    [LibraryImport(Driver)]
    private static partial void ftrace_fuzz_set_mutator(delegate* unmanaged[Cdecl]<byte*, nuint, nuint, uint, nuint> mutate);

    [LibraryImport(Driver)]
    private static partial nuint LLVMFuzzerMutate(byte* data, nuint size, nuint most);

    [LibraryImport(Driver)]
    private static partial int LLVMFuzzerRunDriver(int* count, byte*** arguments, delegate* unmanaged[Cdecl]<byte*, nuint, int> run);

    [LibraryImport(Driver)]
    private static partial void __sanitizer_cov_8bit_counters_init(byte* start, byte* end);

    [LibraryImport(Driver)]
    private static partial void __sanitizer_cov_pcs_init(nuint* start, nuint* end);

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);

    [LibraryImport("libc")]
    private static partial void abort();
}
