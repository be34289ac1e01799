using System;
using System.Collections.Generic;
using System.Globalization;

namespace Ftrace.Tool.Attach;

/// <summary><c>/proc/PID/status</c> of a process or a thread: proc_pid_status(5).</summary>
internal sealed class ProcessStatus
{
    private readonly Dictionary<string, string> _values = [];

    /// <param name="text">Of the file.</param>
    public ProcessStatus(string text)
    {
        foreach (string line in text.Split('\n'))
        {
            int colon = line.IndexOf(':');
            if (colon > 0)
            {
                _values[line[..colon]] = line[(colon + 1)..].Trim();
            }
        }
    }

    public string Name => _values.GetValueOrDefault("Name", "");

    /// <summary>R, S, D, T (stopped), t (by a tracer), Z, X, I.</summary>
    public char State => _values.GetValueOrDefault("State", "X")[0];

    /// <summary>It is gone, or about to be: what is left is for its parent.</summary>
    public bool HasEnded => State is 'Z' or 'X';

    /// <summary>The id of the process of a thread.</summary>
    public int ProcessId => (int)NumberOf("Tgid");

    public int Tracer => (int)NumberOf("TracerPid");

    /// <summary>0: none; 1: strict; 2: filters.</summary>
    public int Seccomp => (int)NumberOf("Seccomp");

    public bool IsKernelThread => NumberOf("Kthread") == 1 || (!_values.ContainsKey("VmSize") && !HasEnded);

    public bool HasShadowStack => Array.IndexOf(WordsOf("x86_Thread_features"), "shstk") >= 0;

    /// <summary>The effective user.</summary>
    public uint User => WordsOf("Uid") is { Length: > 1 } ids && uint.TryParse(ids[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint id) ? id : 0;

    /// <summary>The id in its own pid namespace.</summary>
    public int InnerId => WordsOf("NSpid") is { Length: > 0 } ids ? int.Parse(ids[^1], CultureInfo.InvariantCulture) : (int)NumberOf("Pid");

    /// <summary>The id of its process there.</summary>
    public int InnerProcessId => WordsOf("NStgid") is { Length: > 0 } ids ? int.Parse(ids[^1], CultureInfo.InvariantCulture) : ProcessId;

    /// <summary>The signals that have handlers.</summary>
    public ulong Caught => SetOf("SigCgt");

    /// <summary>The signals that wait, for the thread and for the process.</summary>
    public ulong Pending => SetOf("SigPnd") | SetOf("ShdPnd");

    private long NumberOf(string key) => long.TryParse(_values.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;

    private ulong SetOf(string key) => ulong.TryParse(_values.GetValueOrDefault(key), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong set) ? set : 0;

    private string[] WordsOf(string key) => _values.GetValueOrDefault(key, "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
