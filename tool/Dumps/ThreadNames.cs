using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Dumps;

/// <summary>Names of the process and its threads, without control characters: some formats are for terminals too.</summary>
internal static class ThreadNames
{
    public static string Process(TraceFile file)
    {
        string path = file.Process.Executable;
        return path.Length == 0 ? $"process {ProcessId(file)}" : CleanText.Of(path[(path.LastIndexOf('/') + 1)..]);
    }

    public static int ProcessId(TraceFile file) => file.Process.Id != 0 ? file.Process.Id : file.Header.ProcessId;

    /// <summary>The name of a thread; that of the process, if it has none.</summary>
    public static string Of(TraceFile file, TraceThread thread) => thread.Name.Length != 0 ? CleanText.Of(thread.Name) : Process(file);
}
