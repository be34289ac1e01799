using System;
using System.IO;
using System.Text;

namespace Ftrace.Tool.Output;

/// <summary>How much of a long work is done: one line on the terminal, <c>12 %</c>, that is rewritten in place, and erased at the end.</summary>
internal sealed class Progress : IDisposable
{
    /// <summary>What takes no longer prints nothing.</summary>
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _clock;
    private Stream? _terminal;
    private long _since;
    private TimeSpan _wait = s_first;
    private long _expected;
    private long _done;
    private long _shown = -1;

    /// <param name="terminal">Null: nothing is printed.</param>
    /// <param name="clock">The time.</param>
    public Progress(Stream? terminal, TimeProvider clock)
    {
        _terminal = terminal;
        _clock = clock;
        _since = clock.GetTimestamp();
    }

    /// <summary>On standard error, if that is a terminal which can rewrite a line.</summary>
    /// <param name="isWanted">False: print nothing in any case.</param>
    public static Progress OnTerminal(bool isWanted = true) =>
        new(isWanted && Terminal.IsErrorRewritable ? new DescriptorStream(DescriptorStream.StandardError) : null, TimeProvider.System);

    /// <summary>So many more steps are to come.</summary>
    public void Expect(long steps) => _expected += steps;

    /// <summary>A step is done. Cheap, for steps of some microseconds.</summary>
    public void Advance()
    {
        if (_terminal == null)
        {
            return;
        }

        _done++;
        if (_done > _expected)
        {
            _expected *= 2; // the work is done once more, in another way
        }

        if (_expected == 0 || _clock.GetElapsedTime(_since) < _wait)
        {
            return;
        }

        _since = _clock.GetTimestamp();
        _wait = s_pause;
        long percent = Math.Min(_done * 100 / _expected, 99);
        if (percent != _shown)
        {
            _shown = percent;
            Print($"\r{percent,2} %");
        }
    }

    /// <summary>Erases the line.</summary>
    public void Dispose()
    {
        if (_shown >= 0)
        {
            Print("\r    \r");
        }

        _terminal = null;
    }

    private void Print(string text)
    {
        try
        {
            _terminal?.Write(Encoding.ASCII.GetBytes(text));
        }
        catch (IOException)
        {
            _terminal = null; // it is gone, and nobody looks
        }
    }
}
