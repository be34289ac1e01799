using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Threading;

namespace Ftrace.Tool.Attach;

/// <summary>Brings the library into a process that runs, and connects to its agent.</summary>
internal static class Injector
{
    private const int LongestCallMs = 10_000;
    private const int LongestMessage = 512;
    private const int LongestStartMs = 2_000;
    private const int PauseMs = 10;

    private const int CloseNumber = 3;
    private const int SocketPairNumber = 53;
    private const ulong LocalFamily = 1; // AF_UNIX
    private const ulong PacketsClosedAtExec = 5 | 0x80000; // SOCK_SEQPACKET | SOCK_CLOEXEC

    /// <summary>Attaches to a process. All of it is done by the calling thread.</summary>
    /// <param name="pid">Its id.</param>
    /// <param name="options">How.</param>
    /// <param name="end">A thread that was borrowed is given back before this process ends.</param>
    /// <exception cref="AttachException">It is not possible, and the process goes on as before.</exception>
    public static AttachedProcess Open(int pid, AttachOptions options, EndRequest end)
    {
        long start = Stopwatch.GetTimestamp();
        using TargetProcess process = Find(pid, options.Force);
        Look(process, out TargetMaps maps, out TargetLibc libc, out string loader);
        ulong agent = TargetLibrary.FindAgent(process, maps, out bool wasLoaded);
        if (wasLoaded && agent == 0)
        {
            throw process.Refuse(AttachRefusal.OtherVersion, "has loaded a version of the library that has no agent; restart it with the version of this command");
        }

        int handle = OpenHandle(process);
        int socket = -1;
        try
        {
            string? path = wasLoaded ? null : LibraryPlace.Find(process, options);
            Libc.SleepExactly();
            StoppedThread stopped = new ThreadSearch(process, maps, loader, libc, options.Force, () => end.IsAsked).Find();
            var thread = new BorrowedThread(process, stopped, libc.Codes);
            TimeSpan stoodStill;
            try
            {
                thread.SaveErrno(libc);
                agent = agent != 0 ? agent : Load(process, thread, libc, path!);
                socket = Connect(process, thread, handle, agent);
            }
            finally
            {
                stoodStill = thread.Release();
            }

            return new AttachedProcess(process.Pid, socket)
            {
                Path = stopped.Path,
                WasLoaded = wasLoaded,
                StoodStill = stoodStill,
                Took = Stopwatch.GetElapsedTime(start),
            };
        }
        finally
        {
            Libc.Close(handle);
        }
    }

    /// <summary>A descriptor of the process. Refuses if the system has not what <see cref="Connect"/> needs, before anything is done to the process.</summary>
    private static int OpenHandle(TargetProcess process)
    {
        int handle = Libc.OpenProcess(process.Pid);
        if (handle >= 0 && (Libc.TakeDescriptor(handle, -1) >= 0 || Libc.Errno != Libc.ENOSYS))
        {
            return handle;
        }

        string error = Libc.TextOf(Libc.Errno);
        if (handle >= 0)
        {
            Libc.Close(handle);
        }

        throw process.Refuse(AttachRefusal.NoSocket, $"{(handle < 0 ? "pidfd_open" : "pidfd_getfd")}(2) has failed ({error}); it needs Linux 5.6");
    }

    /// <summary>Finds the process, and opens its memory.</summary>
    private static TargetProcess Find(int pid, bool force)
    {
        var process = new TargetProcess(pid);
        if (pid <= 0 || !process.Exists)
        {
            throw process.Refuse(AttachRefusal.NoProcess, "no such process");
        }

        // Of a thread, its process.
        ProcessStatus status = process.ReadStatus();
        process = status.ProcessId == pid ? process : new TargetProcess(status.ProcessId);
        TargetChecks.CheckStatus(process, status, force);
        return process.Memory.TryOpen() ? process : throw Permission.Refuse(process);
    }

    /// <summary>
    /// Looks at everything that can be seen without touching the process. Of a program that has just been started, the loader has not mapped all yet.
    /// </summary>
    private static void Look(TargetProcess process, out TargetMaps maps, out TargetLibc libc, out string loader)
    {
        for (long until = Environment.TickCount64 + LongestStartMs; ; Thread.Sleep(PauseMs))
        {
            try
            {
                LookOnce(process, out maps, out libc, out loader);
                return;
            }
            catch (AttachException e) when (e.Refusal == AttachRefusal.NoLibc && process.ReadStatus().State is 'R' or 'D' && Environment.TickCount64 < until)
            {
                // Look again.
            }
        }
    }

    private static void LookOnce(TargetProcess process, out TargetMaps maps, out TargetLibc libc, out string loader)
    {
        ulong loaderStart = TargetChecks.CheckAuxiliaryVector(process, process.ReadAuxiliaryVector());
        maps = process.ReadMaps();
        List<Mapping> mappings = TargetChecks.CheckLibraries(process, maps, loaderStart, out loader);
        libc = new TargetLibc(process, maps, mappings);
    }

    private static ulong Load(TargetProcess process, BorrowedThread thread, TargetLibc libc, string path)
    {
        ulong text = thread.WriteText(path);
        ulong handle = thread.Call(libc.Open, LongestCallMs, text, libc.OpenFlags);
        if (handle == 0)
        {
            ulong message = libc.LastError == 0 ? 0 : thread.Call(libc.LastError, LongestCallMs);
            string why = message == 0 ? "" : $": {process.Memory.ReadText(message, LongestMessage)}";
            throw process.Refuse(AttachRefusal.NotLoaded, $"its loader cannot open the library{why}");
        }

        ulong agent = TargetLibrary.FindAgent(process, handle);
        return agent != 0
            ? agent
            : throw process.Refuse(AttachRefusal.OtherVersion, $"{path} has no agent; install the library of this command's version");
    }

    /// <summary>Makes a pair of sockets there, takes one, and gives the other to the agent.</summary>
    /// <returns>The one that was taken.</returns>
    private static int Connect(TargetProcess process, BorrowedThread thread, int handle, ulong agent)
    {
        long error = thread.SystemCall(SocketPairNumber, LongestCallMs, LocalFamily, PacketsClosedAtExec, 0, thread.Pair);
        if (error < 0)
        {
            throw process.Refuse(AttachRefusal.NoSocket, $"no sockets can be created in it: {Libc.TextOf((int)-error)}");
        }

        if (!process.Memory.TryRead(thread.Pair, out ulong pair))
        {
            throw process.RefuseEnded();
        }

        int taken = (int)pair;
        int given = (int)(pair >> 32);
        int socket = Libc.TakeDescriptor(handle, taken);
        int errno = Libc.Errno;
        thread.SystemCall(CloseNumber, LongestCallMs, (ulong)taken);
        if (socket < 0)
        {
            thread.SystemCall(CloseNumber, LongestCallMs, (ulong)given);
            throw process.Refuse(AttachRefusal.NoSocket, $"pidfd_getfd(2) has failed ({Libc.TextOf(errno)}); it needs Linux 5.6");
        }

        int result = (int)thread.Call(agent, LongestCallMs, (ulong)given);
        if (result == 0)
        {
            return socket;
        }

        thread.SystemCall(CloseNumber, LongestCallMs, (ulong)given);
        if (result == -Libc.EBUSY)
        {
            string holder = AgentAnswer.Receive(socket);
            Libc.Close(socket);
            throw AgentConnection.Held(process.Pid.ToString(CultureInfo.InvariantCulture), holder);
        }

        Libc.Close(socket);
        throw process.Refuse(AttachRefusal.NoAgent, $"the agent of the library could not be started: {Libc.TextOf(-result)}");
    }
}
