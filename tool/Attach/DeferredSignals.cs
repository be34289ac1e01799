using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Ftrace.Tool.Attach;

/// <summary>Ctrl-C and its like while a thread is borrowed: first that is finished.</summary>
internal sealed class DeferredSignals : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;
    private int _received;

    public DeferredSignals()
    {
        PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];
        _registrations = Array.ConvertAll(signals, signal => PosixSignalRegistration.Create(signal, Receive));
    }

    public bool IsReceived => Volatile.Read(ref _received) != 0;

    /// <summary>Ends this, and sends the signal again if one was received.</summary>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        if (IsReceived)
        {
            Libc.Kill(Environment.ProcessId, _received);
        }
    }

    private void Receive(PosixSignalContext context)
    {
        context.Cancel = true;
        int number = context.Signal switch
        {
            PosixSignal.SIGHUP => 1,
            PosixSignal.SIGINT => 2,
            PosixSignal.SIGQUIT => 3,
            _ => 15,
        };
        Volatile.Write(ref _received, number);
    }
}
