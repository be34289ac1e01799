using System;
using System.IO;

namespace Ftrace.Fuzz;

/// <summary>
/// fuzz --instrument LIBRARY; fuzz --replay INPUT...; or else the arguments are libFuzzer's. FTRACE_FUZZ_TARGET says what is fuzzed:
/// libFuzzer starts this program again with arguments of its own.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is ["--instrument", string library])
        {
            Instrumentation.Add(library);
            return 0;
        }

        string name = Environment.GetEnvironmentVariable("FTRACE_FUZZ_TARGET") ?? "elf";
        Action<byte[]> target = FuzzTarget.Named(name);
        if (arguments is not ["--replay", .. string[] inputs])
        {
            return LibFuzzer.Run(target, name == "elf", arguments);
        }

        foreach (string input in inputs)
        {
            // Written first: what follows may end the process.
            Console.WriteLine($"{input}: ");
            target(File.ReadAllBytes(input));
        }

        Console.WriteLine("no failure found");
        return 0;
    }
}
