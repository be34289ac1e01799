using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Ftrace.Tool.Attach;

/// <summary>Ctrl-C and its like while a thread is borrowed: first that is finished.</summary>
/// <remarks>
/// They are not sent again: an <see cref="EndRequest"/> has had them too, and without one the command is at its end. A signal that is sent to
/// oneself is handled later, by a thread of the runtime, perhaps when nobody cancels it any more: it would end this process before it has
/// said why.
/// </remarks>
internal sealed class DeferredSignals : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;
    private bool _isReceived;

    public DeferredSignals()
    {
        PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];
        _registrations = Array.ConvertAll(signals, signal => PosixSignalRegistration.Create(signal, Receive));
    }

    public bool IsReceived => Volatile.Read(ref _isReceived);

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void Receive(PosixSignalContext context)
    {
        context.Cancel = true;
        Volatile.Write(ref _isReceived, true);
    }
}
