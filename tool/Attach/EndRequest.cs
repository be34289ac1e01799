using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Attach;

/// <summary>
/// Signals that ask this process to end. The first one is only noted: what was begun is finished, and the process detached from. The next one ends this
/// process, whatever it does or waits for; the other one goes on unharmed even then.
/// </summary>
/// <remarks>
/// None is sent again: a signal that is sent to oneself is handled later, by a thread of the runtime, perhaps when nobody cancels it any more: it would end this
/// process before it has said why.
/// </remarks>
internal sealed class EndRequest : IDisposable
{
    private const int SameMs = 200; // timeout(1) sends one to its child and one to its group, at once

    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly object _lock = new();
    private volatile bool _isAsked;
    private volatile bool _isLast;
    private long _first;

    public EndRequest()
    {
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, Receive));
        }
    }

    public bool IsAsked => _isAsked;

    /// <summary>This process only waits, or is ending already: the next signal is the last one. False: it does not wait any more.</summary>
    public void ExpectLast(bool isLast) => _isLast = isLast;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void Receive(PosixSignalContext context)
    {
        lock (_lock)
        {
            long now = Environment.TickCount64;
            context.Cancel = _isAsked ? now - _first < SameMs : !_isLast;
            _first = _isAsked ? _first : now;
            _isAsked = true;
            if (!context.Cancel)
            {
                TraceFinish.Print("ended by a signal while it waited; the process goes on, and ends a recording of this command by itself");
            }
        }
    }
}
