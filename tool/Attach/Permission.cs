using System;
using System.Globalization;
using System.IO;

namespace Ftrace.Tool.Attach;

/// <summary>Why the system does not let this process trace another one: ptrace(2), "Ptrace access mode checking".</summary>
internal static class Permission
{
    private const string ScopeFile = "/proc/sys/kernel/yama/ptrace_scope";

    /// <summary>Called when it has refused: finds out why.</summary>
    public static AttachException Refuse(TargetProcess process)
    {
        if (!process.Exists)
        {
            return process.RefuseEnded();
        }

        return Refuse(process, process.ReadStatus(), TracerOf(process), Libc.EffectiveUser(), ReadScope());
    }

    /// <summary>Who traces it: each of its threads can have a tracer of its own. 0: nobody does, but for this process.</summary>
    public static int TracerOf(TargetProcess process)
    {
        foreach (int tid in process.ReadThreads())
        {
            int tracer = process.ReadStatus(tid)?.Tracer ?? 0;
            if (tracer != 0 && tracer != Environment.ProcessId)
            {
                return tracer;
            }
        }

        return 0;
    }

    /// <summary>The name of a process, for people.</summary>
    public static string NameOf(int pid)
    {
        try
        {
            return new TargetProcess(pid).ReadStatus().Name;
        }
        catch (AttachException)
        {
            return "?";
        }
    }

    /// <param name="process">The process.</param>
    /// <param name="status">Its status.</param>
    /// <param name="tracer">Who traces it; 0: nobody.</param>
    /// <param name="user">The user of this process.</param>
    /// <param name="scope">Yama's ptrace_scope; -1: there is no such module.</param>
    public static AttachException Refuse(TargetProcess process, ProcessStatus status, int tracer, uint user, int scope)
    {
        if (tracer != 0)
        {
            return process.Refuse(AttachRefusal.Traced, $"is being traced already, by process {tracer} ({NameOf(tracer)}); detach that first");
        }

        if (user != 0 && status.User != user)
        {
            return process.Refuse(AttachRefusal.OtherUser, $"belongs to user {status.User}, and this is user {user}; run ftrace as that user, or as root");
        }

        if (scope == 3)
        {
            return process.Refuse(AttachRefusal.Forbidden, $"the system forbids tracing (kernel.yama.ptrace_scope is 3, until the next boot); start the program with: ftrace record");
        }

        if (scope == 2 || (scope == 1 && user != 0))
        {
            return process.Refuse(AttachRefusal.Forbidden, $"the system lets only a parent or root trace (kernel.yama.ptrace_scope is {scope}); run ftrace as root, or as root: sysctl kernel.yama.ptrace_scope=0");
        }

        return user == 0
            ? process.Refuse(AttachRefusal.Forbidden, "the system does not let root trace it; in a container, start that with --cap-add=SYS_PTRACE, or run ftrace outside of it")
            : process.Refuse(AttachRefusal.Protected, "is protected: its program changes the user or cannot be read, or it has set PR_SET_DUMPABLE to 0; run ftrace as root");
    }

    private static int ReadScope()
    {
        try
        {
            return int.TryParse(File.ReadAllText(ScopeFile).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int scope) ? scope : -1;
        }
        catch (IOException)
        {
            return -1;
        }
    }
}
