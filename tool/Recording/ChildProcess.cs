using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace Ftrace.Tool.Recording;

/// <summary>
/// The program that is recorded. It is in the same process group, so it gets the signals of the terminal; this process ignores them until it
/// has ended. Signals that end processes are forwarded.
/// </summary>
internal sealed unsafe class ChildProcess : IDisposable
{
    private const int AttributesSize = 512; // of posix_spawnattr_t and posix_spawn_file_actions_t, which are smaller
    private const short SetDefault = 4;     // POSIX_SPAWN_SETSIGDEF
    private const int SignalSetSize = 128;
    private const int IsProcess = 1;        // P_PID
    private const int Exited = 4;           // WEXITED
    private const int NoWait = 0x1000000;   // WNOWAIT
    private const int SiginfoSize = 128;
    private const nint Ignore = 1;

    private readonly Lock _lock = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private ulong _defaultSignals;
    private int _id;
    private bool _hasEnded;
    private int _early;

    /// <summary>Prepares the signals: from now on this process outlives the program.</summary>
    public ChildProcess()
    {
        IgnoreHere(Libc.SIGINT);
        IgnoreHere(Libc.SIGQUIT);
        IgnoreHere(Libc.SIGXFSZ); // writing the file then fails

        // The runtime ignores it, and a program expects to end by it.
        _defaultSignals |= Bit(Libc.SIGPIPE);

        // posix_spawn() ignores the C library's own signals in the program, unless they are in the set.
        _defaultSignals |= Bit(32) | Bit(33);
        Forward(PosixSignal.SIGTERM, Libc.SIGTERM);
        Forward(PosixSignal.SIGHUP, Libc.SIGHUP);
    }

    /// <summary>Starts the program.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">The first is its name.</param>
    /// <param name="environment">Variables.</param>
    /// <param name="descriptor">Open in this process.</param>
    /// <param name="as">Which descriptor that is in the program.</param>
    /// <returns>0 or the error.</returns>
    public int Start(byte[] program, IReadOnlyList<byte[]> arguments, IReadOnlyList<byte[]> environment, int descriptor, int @as)
    {
        byte* attributes = stackalloc byte[AttributesSize];
        byte* actions = stackalloc byte[AttributesSize];
        byte* set = stackalloc byte[SignalSetSize];
        new Span<byte>(set, SignalSetSize).Clear();
        *(ulong*)set = _defaultSignals;
        Libc.InitializeAttributes(attributes);
        Libc.SetFlags(attributes, SetDefault);
        Libc.SetDefaultSignals(attributes, set);
        Libc.InitializeActions(actions);
        Libc.AddDuplicate(actions, descriptor, @as);
        byte** first = ToVector(arguments);
        byte** variables = ToVector(environment);
        int error;
        int id;
        fixed (byte* path = Terminate(program))
        {
            error = Libc.Spawn(&id, path, actions, attributes, first, variables);
        }

        Free(first);
        Free(variables);
        Libc.DestroyActions(actions);
        if (error == 0)
        {
            lock (_lock)
            {
                _id = id;
                if (_early != 0)
                {
                    Libc.Kill(id, _early);
                }
            }
        }

        return error;
    }

    public int Id => _id;

    /// <summary>Waits for the end of the program.</summary>
    /// <returns>The exit status, or 128 and the number of the signal that ended it.</returns>
    public int Wait(out int signal)
    {
        byte* information = stackalloc byte[SiginfoSize];
        while (Libc.WaitId(IsProcess, _id, information, Exited | NoWait) != 0 && Libc.Errno == Libc.EINTR)
        {
            // A signal was forwarded.
        }

        lock (_lock)
        {
            _hasEnded = true; // and its id may be that of another process soon
        }

        int status = 0;
        while (Libc.WaitProcess(_id, &status, 0) < 0 && Libc.Errno == Libc.EINTR)
        {
        }

        signal = status & 127;
        return signal != 0 ? 128 + signal : (status >> 8) & 255;
    }

    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());

    private static ulong Bit(int signal) => 1ul << (signal - 1);

    /// <summary>Ignores a signal in this process. The program has the disposition that this process was started with.</summary>
    private void IgnoreHere(int signal)
    {
        if (Libc.SetSignal(signal, Ignore) != Ignore)
        {
            _defaultSignals |= Bit(signal);
        }
    }

    private void Forward(PosixSignal name, int signal)
    {
        nint disposition = Libc.SetSignal(signal, Ignore);
        if (disposition == Ignore)
        {
            return; // nohup(1): the program ignores it too
        }

        Libc.SetSignal(signal, disposition);
        _registrations.Add(PosixSignalRegistration.Create(name, context =>
        {
            context.Cancel = true;
            lock (_lock)
            {
                if (_id == 0)
                {
                    _early = signal;
                }
                else if (!_hasEnded)
                {
                    Libc.Kill(_id, signal);
                }
            }
        }));
    }

    private static byte[] Terminate(byte[] text) => [.. text, 0];

    private static byte** ToVector(IReadOnlyList<byte[]> texts)
    {
        var vector = (byte**)NativeMemory.AllocZeroed((nuint)(texts.Count + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < texts.Count; i++)
        {
            vector[i] = (byte*)NativeMemory.AllocZeroed((nuint)texts[i].Length + 1);
            texts[i].CopyTo(new Span<byte>(vector[i], texts[i].Length));
        }

        return vector;
    }

    private static void Free(byte** vector)
    {
        for (byte** text = vector; *text != null; text++)
        {
            NativeMemory.Free(*text);
        }

        NativeMemory.Free(vector);
    }
}
