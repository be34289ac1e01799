using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>A program of others that reads what <c>ftrace dump</c> writes.</summary>
internal static class PeerTool
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    /// <summary>Runs it. Skips the test if it is not installed.</summary>
    /// <returns>What it writes to standard output. It must succeed.</returns>
    public static string Run(string program, string package, byte[]? input, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C.UTF-8";
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            Assert.Ignore($"The dump is not read by {program}: it was not found; install the package {package}.");
            throw;
        }

        using (process)
        {
            var errors = process.StandardError.ReadToEndAsync();
            var text = process.StandardOutput.ReadToEndAsync();
            using (Stream stream = process.StandardInput.BaseStream)
            {
                stream.Write(input ?? []);
            }

            if (!process.WaitForExit(s_limit))
            {
                process.Kill();
                Assert.Fail($"{program} {string.Join(' ', arguments)} did not end");
            }

            Assert.That(process.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}: {errors.Result}");
            return text.Result;
        }
    }
}
