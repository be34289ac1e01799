using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Ftrace.Tool.Attach;

/// <summary>Signals that ask this process to end: it detaches first.</summary>
internal sealed class EndRequest : IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];
    private volatile bool _isAsked;

    public EndRequest()
    {
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                _isAsked = true;
            }));
        }
    }

    public bool IsAsked => _isAsked;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }
    }
}
