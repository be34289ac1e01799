using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using Ftrace.Tool.Control;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Attach;

/// <summary><c>ftrace attach</c> and <c>ftrace record -P</c>: records a process that runs already, and leaves it as it was.</summary>
/// <param name="options">What to record; without an output nothing is written.</param>
/// <param name="target">The id of a process, or a socket that its library listens on.</param>
/// <param name="seconds">How long; 0: until a signal.</param>
/// <param name="injection">How to get into a process.</param>
internal sealed class AttachSession(RecordOptions options, string target, long seconds, AttachOptions injection)
{
    private const int ESRCH = 3;

    private readonly TraceFinish _finish = new(options);

    /// <returns>The exit status.</returns>
    /// <exception cref="AttachException">The process cannot be attached to.</exception>
    /// <exception cref="RecordingException">Nothing can be recorded.</exception>
    public int Run()
    {
        bool isWritten = options.Output.Length != 0;
        if (options.IsStream && !isWritten)
        {
            throw new RecordingException("--stream: all events go to a file; name it with -o FILE");
        }

        using var end = new EndRequest();
        using TraceOutput? output = isWritten ? new TraceOutput(options.Output) : null;
        using AgentConnection agent = Connect(end, out string pid);
        using var memory = new TraceMemory();
        bool isInPlace = options.IsStream && output!.IsFile;
        if (isInPlace)
        {
            output!.Create();
        }

        int source = isInPlace ? output!.Descriptor : memory.Descriptor;
        bool hasEnded;
        try
        {
            Start(agent, source);
            string name = NameOf(pid);
            string until = seconds == 0 ? "Ctrl-C detaches" : string.Create(CultureInfo.InvariantCulture, $"detaches after {TraceFinish.Count(seconds, "second")}");
            _finish.Tell($"attached to {pid}{name}; {until}");
            WarnOfFilters(pid);
            bool isOver = Wait(agent, end) || Stop(agent);
            hasEnded = agent.Close();
            if (hasEnded)
            {
                _finish.Tell(isOver ? $"{target}: {WhyOver(pid)}" : $"detached from {pid}");
            }
            else
            {
                string place = isInPlace ? $"; what it has recorded is in {output!.Keep()}" : "";
                TraceFinish.Print($"{target}: the process has not ended the recording, and does so by itself when it can{place}");
            }
        }
        catch
        {
            output?.Abandon();
            throw;
        }

        // While it is recorded into, a file cannot be finished.
        bool isFinished = output == null || (isInPlace && !hasEnded) || TryFinish(output, source, isInPlace, pid);
        return isFinished && hasEnded ? 0 : RecordingException.Failure;
    }

    /// <summary>Connects. Another one may just be leaving.</summary>
    private AgentConnection Connect(EndRequest end, out string pid)
    {
        const int LongestMs = 10_000;
        const int PauseMs = 20;

        for (long until = Environment.TickCount64 + LongestMs; ; Thread.Sleep(PauseMs))
        {
            try
            {
                return ConnectOnce(end, out pid);
            }
            catch (AttachException e) when (e.IsTemporary && Environment.TickCount64 < until && !end.IsAsked)
            {
                // Try again.
            }
        }
    }

    private AgentConnection ConnectOnce(EndRequest end, out string pid)
    {
        if (ProcessId.Parse(target) is int id)
        {
            AttachedProcess process = Injector.Open(id, injection, end);
            pid = process.Pid.ToString(CultureInfo.InvariantCulture);
            return new AgentConnection(target, process.Socket, end);
        }

        int socket = AgentSocket.Connect(target);
        if (socket < 0)
        {
            throw new AttachException(AttachRefusal.NoProcess, $"{target}: {Libc.TextOf(Libc.Errno)}; give the id of a process, or the socket that FTRACE_CONTROL names in it");
        }

        var agent = new AgentConnection(target, socket, end);
        pid = agent.ProcessId != 0 ? agent.ProcessId.ToString(CultureInfo.InvariantCulture) : target;
        return agent;
    }

    private void Start(AgentConnection agent, int source)
    {
        string path = Path.GetFullPath(options.Output.Length != 0 ? options.Output : "ftrace.data");
        var text = new StringBuilder();
        foreach ((string name, string value) in RecordSettings.Of(options with { HasChildren = false }, path))
        {
            text.Append(name).Append('=').Append(value).Append('\n');
        }

        ControlAnswer answer = agent.Ask((uint)AgentKind.Start, text.ToString(), 0, source);
        if (answer.Error == 0)
        {
            return;
        }

        string why = CleanText.Of(answer.Text.Trim());
        string message = $"{target}: {(why.Length != 0 ? why : Libc.TextOf(answer.Error))}";
        if (answer.Error == Libc.EBUSY)
        {
            throw new AttachException(AttachRefusal.Busy, message);
        }

        throw new RecordingException(message);
    }

    /// <summary>It is recorded all the same: it may load a plug-in that has the functions.</summary>
    private void WarnOfFilters(string pid)
    {
        if (options.Filters.Count == 0 || !int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out int id))
        {
            return;
        }

        IReadOnlyList<string> unmatched = FilterCheck.FindUnmatched(id, options.Filters);
        if (unmatched.Count != 0)
        {
            TraceFinish.Print($"-f {string.Join(", ", unmatched)}: no function of process {pid} matches; see: ftrace list {pid}");
        }
    }

    /// <returns>True if the recording has ended by itself.</returns>
    private bool Wait(AgentConnection agent, EndRequest end)
    {
        const int SliceMs = 100;

        long until = seconds == 0 ? long.MaxValue : Environment.TickCount64 + (seconds * 1000);
        while (!end.IsAsked)
        {
            long left = until - Environment.TickCount64;
            if (left <= 0)
            {
                return false;
            }

            if (agent.WaitForEnd((int)Math.Min(left, SliceMs)))
            {
                return true;
            }
        }

        return false;
    }

    /// <returns>True if it had ended already, or there is no answer.</returns>
    private static bool Stop(AgentConnection agent)
    {
        try
        {
            return agent.Ask((uint)AgentKind.Stop).Error == ESRCH;
        }
        catch (AttachException)
        {
            return true;
        }
    }

    private static string WhyOver(string pid)
    {
        const int LongestMs = 500; // it closes its descriptors before it has ended
        const int PauseMs = 10;

        for (long until = Environment.TickCount64 + LongestMs; Environment.TickCount64 < until; Thread.Sleep(PauseMs))
        {
            if (HasEnded(pid))
            {
                return "the process has ended";
            }
        }

        return "the recording was ended by another process, or the process has executed another program";
    }

    private static bool HasEnded(string pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 1)..].TrimStart() is ['Z' or 'X', ..];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private bool TryFinish(TraceOutput output, int source, bool isInPlace, string pid)
    {
        try
        {
            var copy = new TraceCopy(source);
            if (!copy.TryRead())
            {
                output.Abandon();
                TraceFinish.Print("nothing was recorded: the process ended before");
                return false;
            }

            ProgramFile? program = int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? ProgramFile.OfProcess(id) : null;
            return isInPlace ? _finish.FinishInPlace(output, copy, program) : _finish.Write(output, copy, program);
        }
        catch (Exception e) when (e is IOException or RecordingException)
        {
            TraceFinish.Print(e.Message);
            return false;
        }
    }

    private static string NameOf(string pid)
    {
        try
        {
            return $" ({CleanText.Of(File.ReadAllText($"/proc/{pid}/comm").TrimEnd('\n'))})";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
