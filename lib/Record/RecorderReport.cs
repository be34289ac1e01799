using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>Lines about what fails while a recording runs: for the host's print function; if the environment has started the recording, for the user.</summary>
internal static unsafe class RecorderReport
{
    private const ulong StandardError = 2;
    private const ulong PollOut = 4;

    public static void Print(ref ReportLine line)
    {
        if (HostPrint.IsSet)
        {
            line.Print();
            return;
        }

        if (RecorderWords.Shared->FromEnvironment == 0)
        {
            return;
        }

        line.Add("\n"u8);
        fixed (byte* text = line.Text)
        {
            // It must not wait: whoever stops the recording waits for this thread. Signals that it causes are blocked.
            ulong state = StandardError | PollOut << 32;
            if (Native.Syscall(SyscallNumber.Poll, (nint)(&state), 1, 0) != 1 || (state >> 48 & PollOut) == 0)
            {
                return;
            }

            Native.Syscall(SyscallNumber.Write, (nint)StandardError, (nint)text, line.Text.Length);
        }
    }
}
