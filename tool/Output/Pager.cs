using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;

namespace Ftrace.Tool.Output;

/// <summary>
/// Standard output, through a pager if that is a terminal: <c>$FTRACE_PAGER</c>, <c>$PAGER</c>, or <c>less -FRX</c>. An empty variable, or
/// <c>cat</c>, means none.
/// </summary>
internal sealed class Pager : IDisposable
{
    private readonly Process? _process;
    private readonly PosixSignalRegistration? _interrupt;

    /// <param name="wanted">False: no pager in any case.</param>
    public Pager(bool wanted)
    {
        string command = Environment.GetEnvironmentVariable("FTRACE_PAGER") ?? Environment.GetEnvironmentVariable("PAGER") ?? "less -FRX";
        if (!wanted || !Terminal.IsTerminal || command is "" or "cat")
        {
            Stream = new DescriptorStream(DescriptorStream.StandardOutput);
            return;
        }

        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"command -v {command.Split(' ')[0]} >/dev/null 2>&1 || exec cat; exec {command}");
        try
        {
            _process = Process.Start(start);
        }
        catch (Win32Exception)
        {
            // No shell, no pager.
        }

        // Ctrl-C is for the pager: it would lose the terminal if we ended first.
        _interrupt = _process == null ? null : PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        Stream = _process != null ? new PipeStream(_process.StandardInput.BaseStream) : new DescriptorStream(DescriptorStream.StandardOutput);
    }

    public Stream Stream { get; }

    /// <summary>Waits until the pager has ended.</summary>
    public void Dispose()
    {
        Stream.Dispose();
        if (_process != null)
        {
            _process.WaitForExit();
            _process.Dispose();
        }

        _interrupt?.Dispose();
    }
}
