using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading.Tasks;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>The command, run as a process.</summary>
internal static class ToolProcess
{
    private static readonly TimeSpan s_most = TimeSpan.FromMinutes(2);

    public static string Path => System.IO.Path.Combine(TestContext.CurrentContext.TestDirectory, "ftrace");

    /// <summary>Runs it to its end.</summary>
    public static (int Status, string Output, string Error) Run(params string[] arguments) => RunProgram(Path, arguments);

    /// <summary>Runs any program, without colours or a pager of the tester's own.</summary>
    public static (int Status, string Output, string Error) RunProgram(string program, IEnumerable<string> arguments, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment.Remove("PAGER");
        start.Environment.Remove("FTRACE_PAGER");
        start.Environment.Remove("NO_COLOR");
        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_most))
        {
            process.Kill();
            Assert.Fail($"{program} {string.Join(' ', arguments)} does not end");
        }

        return (process.ExitCode, output.Result, error.Result);
    }
}
