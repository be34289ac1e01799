using System.Globalization;
using System.IO;
using System.Text;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Recording;

/// <summary>Writes the file of a recording that has ended, and says what is in it.</summary>
/// <param name="options">Of the recording.</param>
internal sealed class TraceFinish(RecordOptions options)
{
    /// <summary>Finishes a file that was recorded into.</summary>
    public bool FinishInPlace(TraceOutput output, TraceCopy copy, ProgramFile? program)
    {
        using (Progress progress = Progress.OnTerminal(!options.IsQuiet))
        {
            copy.FinishInPlace(progress);
        }

        output.Commit();
        Summarize(output, copy, program);
        return true;
    }

    /// <summary>Writes the file.</summary>
    /// <returns>False: it could not be written, which was printed.</returns>
    public bool Write(TraceOutput output, TraceCopy copy, ProgramFile? program)
    {
        output.Create();
        int error;
        using (Progress progress = Progress.OnTerminal(!options.IsQuiet))
        {
            error = copy.Write(output, progress);
        }

        if (error == 0)
        {
            output.Commit();
            Summarize(output, copy, program);
            return true;
        }

        string kept = "";
        if (output.IsFile && copy.Written != 0)
        {
            output.CutAt(copy.Written);
            output.Commit();
            kept = $"; {FormatSize(copy.Written)} of {FormatSize(copy.Size)} were written, and can be read";
        }
        else
        {
            output.Abandon();
        }

        Print($"{output.Path}: {Libc.TextOf(error)}{kept}");
        return false;
    }

    private void Summarize(TraceOutput output, TraceCopy copy, ProgramFile? program)
    {
        if (!output.IsFile)
        {
            Tell($"{output.Path}: {FormatSize(copy.Written)}, {Count(copy.Events, "event")}");
            return;
        }

        using TraceFile file = TraceFile.Open(output.FullPath);
        int threads = 0;
        bool isCut = false;
        foreach (TraceThread thread in file.Threads)
        {
            threads += thread.Blocks.Count != 0 ? 1 : 0;
            isCut |= thread.IsBeginningCut;
        }

        string lost = file.Lost == 0 ? "" : $"; {Count((long)file.Lost, "event")} lost";
        string cut = isCut && !options.IsStream ? "; older ones were overwritten (-b SIZE keeps more, --stream all)" : "";
        if (copy.Events != 0)
        {
            Tell($"{output.Path}: {FormatSize(copy.Written)}, {Count(copy.Events, "event")} of {Count(threads, "thread")}{cut}{lost}");
        }
        else
        {
            Print($"{output.Path}: nothing was recorded: {EmptyTrace.ReasonOf(program, options, file)}");
        }
    }

    /// <summary>1 event, 2 events.</summary>
    public static string Count(long number, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");

    private static string FormatSize(long bytes) => bytes switch
    {
        < 1 << 10 => Count(bytes, "byte"),
        < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KB"),
        < 1 << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.#} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1073741824.0:0.##} GB"),
    };

    /// <summary>What is not an error.</summary>
    public void Tell(string line)
    {
        if (!options.IsQuiet)
        {
            Print(line);
        }
    }

    /// <summary>Not with Console, which would prepare the terminal for itself.</summary>
    public static void Print(string line)
    {
        try
        {
            new DescriptorStream(DescriptorStream.StandardError).Write(Encoding.UTF8.GetBytes($"ftrace: {line}\n"));
        }
        catch (IOException)
        {
            // Nobody reads it.
        }
    }
}
