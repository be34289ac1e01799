// SPDX-License-Identifier: MIT

using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading;

namespace Ftrace.Hosts;

/// <summary>A thread that traces the work's functions with a managed handler, on and off, 100 times a second.</summary>
internal sealed unsafe class Tool
{
    private const int PeriodMs = 10;

    private static long s_hits;
    private static long s_late;
    private static int s_mayRun;

    private readonly int _changes;
    private readonly Thread _thread;

    public Tool(int changes)
    {
        _changes = changes;
        _thread = new Thread(Run);
    }

    /// <summary>What went wrong; null if nothing did.</summary>
    public string? Error { get; private set; }

    /// <summary>-ERANGE: the runtime has reserved all memory within 2 GB of the C library, as it does now and then; docs/limits.md.</summary>
    public bool HasNoRoom { get; private set; }

    public bool Done => !_thread.IsAlive;

    public void Start() => _thread.Start();

    [UnmanagedCallersOnly]
    private static void Hit(nuint ip, nuint parentIp, Ops* ops, void* regs)
    {
        Interlocked.Increment(ref s_hits);
        if (Volatile.Read(ref s_mayRun) == 0)
        {
            Interlocked.Increment(ref s_late);
        }
    }

    private void Run()
    {
        // Not on the managed heap: it must stay where it is.
        Ops* ops = (Ops*)NativeMemory.AllocZeroed((nuint)sizeof(Ops));
        *ops = new Ops { Size = (nuint)sizeof(Ops), Function = &Hit };
        int error;
        fixed (byte* pattern = "work_*\0"u8)
        {
            error = Native.SetFilter(ops, pattern, 0, 1);
        }

        string call = "set_filter";
        Stopwatch clock = Stopwatch.StartNew();
        for (int i = 0; i < _changes && error == 0; i++)
        {
            if (i % 2 == 0)
            {
                call = "register";
                Volatile.Write(ref s_mayRun, 1);
                error = Native.Register(ops);
            }
            else
            {
                call = "unregister";
                error = Native.Unregister(ops);
                Volatile.Write(ref s_mayRun, 0);
            }

            int late = (int)(((i + 1) * PeriodMs) - clock.ElapsedMilliseconds);
            Thread.Sleep(Math.Max(0, late));
        }

        HasNoRoom = error == -34;
        if (error != 0)
        {
            Error = $"{call}: error {error}";
        }
        else if (s_hits == 0 || s_late != 0)
        {
            Error = $"{s_hits} calls of the handler, {s_late} of them too late";
        }

        if (error == 0)
        {
            NativeMemory.Free(ops);
        }
    }
}
