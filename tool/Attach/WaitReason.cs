using System;
using System.IO;

namespace Ftrace.Tool.Attach;

/// <summary>Why a process does not answer, and what helps, as far as it can be seen.</summary>
internal static class WaitReason
{
    private const string Groups = "/sys/fs/cgroup";

    /// <param name="pid">The process; 0: it is not known.</param>
    /// <returns>What follows "the process".</returns>
    public static string Of(int pid)
    {
        try
        {
            var process = new TargetProcess(pid);
            ProcessStatus status = process.ReadStatus();
            if (status.State == 'T')
            {
                return $"is stopped by a signal; continue it with: kill -CONT {pid}";
            }

            if (Permission.TracerOf(process) is int tracer and not 0)
            {
                return $"is traced by process {tracer} ({Permission.NameOf(tracer)}), which may have stopped it; let it continue there";
            }

            return FrozenGroupOf(pid) is string group
                ? $"is frozen with its control group; let it continue with: echo 0 > {group}/cgroup.freeze"
                : "may be loading an object, or get no CPU time";
        }
        catch (Exception e) when (e is AttachException or IOException or UnauthorizedAccessException)
        {
            return "cannot be seen";
        }
    }

    /// <summary>Its control group, cgroups(7), version 2, or the one above that is frozen; null: none.</summary>
    private static string? FrozenGroupOf(int pid)
    {
        const string Prefix = "0::/";

        foreach (string line in File.ReadLines($"/proc/{pid}/cgroup"))
        {
            if (!line.StartsWith(Prefix, StringComparison.Ordinal))
            {
                continue;
            }

            for (string name = line[Prefix.Length..]; name.Length != 0; name = Path.GetDirectoryName(name) ?? "")
            {
                string freeze = $"{Groups}/{name}/cgroup.freeze";
                if (File.Exists(freeze) && File.ReadAllText(freeze).Trim() == "1")
                {
                    return $"{Groups}/{name}";
                }
            }
        }

        return null;
    }
}
