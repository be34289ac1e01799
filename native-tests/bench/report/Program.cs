using System;
using System.ComponentModel;
using System.IO;
using System.Text.Json;

namespace Ftrace.Bench;

/// <summary>
/// report page RESULTS FOLDER FILE: writes the page FILE, the results beside it, and the plots; FOLDER has performance.md.in and plots.gnuplot.
/// report merge OTHERS RESULTS: adds to RESULTS the parts that only OTHERS has.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        try
        {
            switch (arguments)
            {
                case ["page", string results, string folder, string file]:
                    WritePage(Results.Parse(File.ReadAllText(results)), folder, file);
                    return 0;
                case ["merge", string others, string results]:
                    File.WriteAllText(results, Results.Parse(File.ReadAllText(results)).With(Results.Parse(File.ReadAllText(others))).ToJson());
                    return 0;
                default:
                    Console.Error.WriteLine("usage: report page RESULTS FOLDER FILE | report merge OTHERS RESULTS");
                    return 64;
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException or JsonException or UnauthorizedAccessException or Win32Exception)
        {
            Console.Error.WriteLine("report: " + e.Message);
            return 1;
        }
    }

    private static void WritePage(Results results, string folder, string file)
    {
        string path = file.EndsWith(".md", StringComparison.Ordinal) ? file[..^3] : file;
        string page = Page.Render(results, File.ReadAllText(Path.Combine(folder, "performance.md.in")), Path.GetFileName(path));
        Plots.Draw(results, Path.Combine(folder, "plots.gnuplot"), path);
        File.WriteAllText(path + ".json", results.ToJson());
        File.WriteAllText(file, page);
    }
}
