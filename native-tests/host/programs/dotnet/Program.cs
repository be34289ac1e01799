// SPDX-License-Identifier: MIT

using System;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Threading;

namespace Ftrace.Hosts;

/// <summary>
/// host.dll WORK [LIBFTRACE CHANGES]: threads that call a C library while memory is collected. To suspend a thread
/// that calls nothing the runtime sends it SIGRTMIN, for which it has a handler; and it makes exceptions of SIGSEGV.
/// With the library's path the program is a tool as well, through P/Invoke.
/// </summary>
internal static unsafe class Program
{
    private const int Seeds = 16;
    private const int Workers = 3;

    private static readonly ulong[] s_expected = new ulong[Seeds];
    private static volatile bool s_finish;
    private static string? s_error;
    private static ulong s_spun;

    private static int Main(string[] arguments)
    {
        Native.SetPaths(arguments[0], arguments.Length > 1 ? arguments[1] : null);
        Tool? tool = arguments.Length > 2
            ? new Tool(int.Parse(arguments[2], CultureInfo.InvariantCulture))
            : null;
        for (int i = 0; i < Seeds; i++)
        {
            s_expected[i] = Native.Unit((ulong)i);
        }

        Thread[] threads = new Thread[Workers + 1];
        for (int i = 0; i < Workers; i++)
        {
            int first = i;
            threads[i] = new Thread(() => Work(first));
        }

        threads[Workers] = new Thread(Spin);
        Array.ForEach(threads, thread => thread.Start());
        tool?.Start();
        int collections = GC.CollectionCount(0);
        while (Native.Continues(20) != 0 || tool is { Done: false })
        {
            // Returns when all threads were suspended, the one that calls nothing too.
            GC.Collect();
            Thread.Sleep(2);
        }

        Check(GC.CollectionCount(0) - collections >= 20, "collections");
        s_finish = true;
        Array.ForEach(threads, thread => thread.Join());
        if (tool is { HasNoRoom: true })
        {
            Console.Error.WriteLine("skipped: no memory is free within 2 GB of the C library");
            return 77;
        }

        Check(s_spun > 0, "the thread that calls nothing");
        Check(tool?.Error == null, tool?.Error);
        if (s_error != null)
        {
            Console.Error.WriteLine("wrong: " + s_error);
            return 1;
        }

        Console.WriteLine("{0:x}", Native.Checksum());
        return 0;
    }

    private static void Check(bool good, string? what)
    {
        if (!good)
        {
            Interlocked.CompareExchange(ref s_error, what, null);
        }
    }

    private static void Work(int first)
    {
        byte[][] garbage = new byte[64][];
        for (int i = first; !s_finish; i++)
        {
            Check(Native.Unit((ulong)(i % Seeds)) == s_expected[i % Seeds], "a unit");
            Check(Native.Call(&Square, (ulong)i) == ((ulong)i * (ulong)i) + 1, "a call back");
            garbage[i % 64] = new byte[1000 + (i % 10000)];
            if (i % 64 == 0)
            {
                Check(Fault(i % 128 == 0 ? null : garbage[i % 64]) == (i % 128 == 0), "an exception");
            }
        }
    }

    /// <summary>True if there is nothing to take the length of.</summary>
    private static bool Fault(byte[]? bytes)
    {
        try
        {
            return bytes!.Length < 0;
        }
        catch (NullReferenceException)
        {
            return true;
        }
    }

    private static void Spin()
    {
        ulong spun = 1;
        while (!s_finish)
        {
            spun = (spun * 31) + 1;
        }

        s_spun = spun | 1;
    }

    [UnmanagedCallersOnly]
    private static ulong Square(ulong value) => value * value;
}
