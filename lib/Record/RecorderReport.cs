using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>Lines about what fails while a recording runs: for the host's print function; if the environment has started the recording, for the user.</summary>
internal static unsafe class RecorderReport
{
    private const int StandardError = 2;

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
            Native.Syscall(SyscallNumber.Write, StandardError, (nint)text, line.Text.Length);
        }
    }
}
