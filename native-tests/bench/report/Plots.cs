using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;

namespace Ftrace.Bench;

/// <summary>The plots, drawn by gnuplot: the settings that they share are in plots.gnuplot.</summary>
internal static class Plots
{
    private static readonly string[] s_threads = ["1 thread", "2 threads", "4 threads", "16 threads", "64 threads"];

    public static Plot[] All { get; } =
    [
        new("threads", "Cost by threads",
        [
            new("Enter and exit of a handler, gate closed", "threads",
            [
                new("inline gate", "gate", "pair inline", "ungated protocol in C"),
                new("hand-written gate", "gate", "pair inline", "hand-written gate in C", true),
                new("liburcu-memb", "gate", "pair inline", "liburcu-memb read lock", true),
                new("exported gate", "gate", "pair exported", "ungated protocol in C"),
                new("protocol before 2010", "gate", "pair inline", "ungated protocol in C", true),
                new("the same, mfence", "gate", "pair inline", "ungated, mfence as in 2010", true),
            ]),
            Stop("idle"), Stop("busy"),
            new("A call whose entry and exit are recorded", "threads",
            [
                new("ftrace record", "recorded, by threads", "entry and exit recorded", "untouched"),
                new("uftrace", "recorded, by threads", "entry and exit recorded", "uftrace, -mfentry", true),
                new("gprof", "recorded, by threads", "entry and exit recorded", "gprof", true),
                new("untouched", "recorded, by threads", "entry and exit recorded", "untouched", true),
            ]),
        ]),
        new("sites", "Cost by the number of locations and functions",
        [
            new("A location, no other thread", "locations changed at once",
            [
                new("stop, mprotect", "patch", "stop, mprotect, 0 idle threads"),
                new("stop, /proc/self/mem", "patch", "stop, /proc/self/mem, 0 idle threads"),
                new("breakpoint, mprotect", "patch", "breakpoint, mprotect, 0 idle threads"),
                new("breakpoint, /proc/self/mem", "patch", "breakpoint, /proc/self/mem, 0 idle threads"),
            ]),
            new("A function, on or off", "functions",
            [
                new("here, at once", "some functions", "on and off", "XRay, one after the other"),
                new("LLVM XRay, one by one", "some functions", "on and off", "XRay, one after the other", true),
            ]),
            new("Functions enabled by name, of 100,000", "functions that match",
            [
                new("by name", "by name", "enabling by name", "ftrace_patch_text"),
                new("by address", "by name", "enabling by name", "ftrace_patch_text", true),
            ]),
        ]),
        new("calls", "A whole run, by the number of calls that it makes",
        [
            new("Program and tool, from start to end", "calls",
            [
                new("untouched", "calls", "untouched"),
                new("counting handler", "calls", "handler of the library", "untouched"),
                new("gprof", "calls", "gprof", "untouched"),
                new("ftrace record", "calls", "ftrace record", "untouched"),
                new("ftrace record --stream", "calls", "ftrace record --stream", "untouched"),
                new("uftrace", "calls", "uftrace, -mfentry", "untouched"),
                new("LTTng", "calls", "LTTng, -finstrument-functions", "untouched"),
                new("callgrind", "calls", "callgrind", "untouched"),
                new("uprobes", "calls", "uprobes", "untouched"),
                new("ltrace", "calls", "ltrace", "untouched"),
            ]),
        ]),
        new("latency", "The longest time that a thread stands still during one change, by threads and locations",
        [
            Latency("Stop, as the library measures it", "stop, by the library", ""),
            Latency("Stop, as a running thread sees it", "stop, by a running thread", "no change"),
            Latency("Breakpoint, as a running thread sees it", "breakpoint, by a running thread", "no change"),
        ]),
    ];

    /// <summary>Draws all plots into files that begin with <paramref name="path"/>. A curve that was not measured is left out.</summary>
    public static void Draw(Results results, string settings, string path)
    {
        foreach (Plot plot in All)
        {
            Run(Script(results, plot, settings, $"{path}-{plot.Name}.svg"));
        }
    }

    internal static string Script(Results results, Plot plot, string settings, string output)
    {
        var script = new StringBuilder();
        var commands = new StringBuilder();
        int blocks = 0;
        foreach (Panel panel in plot.Panels)
        {
            List<string> curves = [];
            foreach (Line line in panel.Lines)
            {
                (long X, double Ns)[] points = [.. Points(results, line)];
                if (points.Length == 0)
                {
                    continue;
                }

                script.Append(CultureInfo.InvariantCulture, $"$d{blocks} << END\n");
                foreach ((long x, double ns) in points)
                {
                    script.Append(CultureInfo.InvariantCulture, $"{x} {ns:g6}\n");
                }

                script.Append("END\n");
                string style = line.IsPeer && panel.Lines.Count(l => l.What == line.What) > 1 && line.Title == "no change" ? "points ls 20" : $"linespoints ls {curves.Count + 1}";
                curves.Add($"$d{blocks++} using 1:2 with {style} title '{line.Title}'");
            }

            if (curves.Count > 0)
            {
                commands.Append(CultureInfo.InvariantCulture, $"set title '{panel.Title}'\nset xlabel '{panel.XLabel}'\nset macros\nset xtics @{(panel.XLabel == "threads" ? "thread" : "other")}_tics\nplot {string.Join(", \\\n\t", curves)}\n");
            }
        }

        Machine machine = results.Machine;
        int width = plot.Panels.Length switch
        {
            1 => 760,
            4 => 1900,
            _ => 1500,
        };
        script.Append(CultureInfo.InvariantCulture, $"""
            set terminal svg size {width},640 font 'sans,12' background 'white' noenhanced
            set output '{output}'
            load '{settings}'
            set multiplot layout 1,{plot.Panels.Length} margins {(plot.Panels.Length == 1 ? "0.11,0.97,0.29" : "0.06,0.985,0.29")},0.85 spacing 0.06,0 title "{plot.Title}\n{machine.Cpu}, {machine.Cpus} CPUs, Linux {machine.Kernel}; medians" font ',14'
            {commands}unset multiplot

            """);
        return script.ToString();
    }

    private static Panel Stop(string kind) => new($"A stop of {kind} threads", "threads",
    [
        new("stop by signal", "stop", $"stop call, {kind}", "bare tgkill + futex"),
        new("bare tgkill + futex", "stop", $"stop call, {kind}", "bare tgkill + futex", true),
        new("by seizing", "stop", $"stop call, seized, {kind}", "the stop by signal"),
    ]);

    private static Panel Latency(string title, string what, string against) => new(title, "locations changed at once",
    [
        .. s_threads.Select(t => new Line(t, "latency", $"{t}: {what}", against)),
        .. against.Length == 0 ? Array.Empty<Line>() : [.. s_threads.Take(1).Select(t => new Line("no change", "latency", $"{t}: {what}", against, true))],
    ]);

    private static IEnumerable<(long X, double Ns)> Points(Results results, Line line)
    {
        foreach (Row row in results.Rows.Where(r => r.Section == line.Section && r.What == line.What && r.Against == line.Against && r.Axis.Length > 0))
        {
            if ((line.IsPeer ? row.Peer : row.Here) is Spread spread && Number.Nanoseconds(spread.Median, row.Unit) is double ns)
            {
                yield return (row.N, ns);
            }
        }
    }

    private static void Run(string script)
    {
        using Process gnuplot = Process.Start(new ProcessStartInfo("gnuplot") { RedirectStandardInput = true })!;
        gnuplot.StandardInput.Write(script);
        gnuplot.StandardInput.Close();
        gnuplot.WaitForExit();
        if (gnuplot.ExitCode != 0)
        {
            throw new IOException($"gnuplot has failed with status {gnuplot.ExitCode}");
        }
    }
}
