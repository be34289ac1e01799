using System.Globalization;
using System.Text;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>The threads of a trace as the kernel writes tasks: <c>name-id</c>.</summary>
internal sealed class TaskNames
{
    /// <summary>Of the name, right-aligned.</summary>
    public const int NameWidth = 16;

    /// <summary>Of the id, left-aligned.</summary>
    public const int IdWidth = 7;
    public const int Width = NameWidth + 1 + IdWidth;

    private readonly byte[][] _columns;

    public TaskNames(TraceFile file)
    {
        _columns = new byte[file.Threads.Count][];
        for (int i = 0; i < _columns.Length; i++)
        {
            string id = file.Threads[i].Id.ToString(CultureInfo.InvariantCulture);
            _columns[i] = Encoding.UTF8.GetBytes(NameOf(file, file.Threads[i]).PadLeft(NameWidth) + "-" + id.PadRight(IdWidth));
        }
    }

    /// <summary>The thread in two columns.</summary>
    public byte[] this[int thread] => _columns[thread];

    /// <summary>The thread as one word.</summary>
    public static string Of(TraceFile file, TraceThread thread) =>
        string.Create(CultureInfo.InvariantCulture, $"{NameOf(file, thread)}-{thread.Id}");

    /// <summary>Without a name of its own a thread has that of the program.</summary>
    public static string NameOf(TraceFile file, TraceThread thread)
    {
        string name = CleanText.Of(thread.Name);
        if (name == "")
        {
            string path = file.Process.Executable;
            name = CleanText.Of(path[(path.LastIndexOf('/') + 1)..]);
        }

        return name == "" ? "<...>" : name[..System.Math.Min(name.Length, NameWidth)];
    }
}
