using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;

namespace Ftrace.Bench;

/// <summary>
/// The page: a text with placeholders {{machine}}, {{verdicts}}, {{noise}}, {{plot NAME}}, and for each section of the results {{table SECTION}} or, with
/// the values of the peer instead of ratios, {{values SECTION}}.
/// </summary>
internal static partial class Page
{
    [GeneratedRegex(@"^\{\{(?<what>[a-z]+)( (?<name>.*))?\}\}$", RegexOptions.Multiline)]
    private static partial Regex Placeholder { get; }

    /// <param name="results">What was measured.</param>
    /// <param name="text">The text with the placeholders.</param>
    /// <param name="name">The page's file without its ending, which the names of its plots begin with.</param>
    public static string Render(Results results, string text, string name)
    {
        List<string> sections = [];
        string page = Placeholder.Replace(text, match =>
        {
            string argument = match.Groups["name"].Value;
            switch (match.Groups["what"].Value)
            {
                case "machine":
                    return OfMachine(results);
                case "verdicts":
                    return OfVerdicts(results);
                case "noise":
                    return OfNoise(results);
                case "table" or "values":
                    sections.Add(argument);
                    return Table(results, argument, match.Groups["what"].Value == "table");
                case "plot":
                    Plot plot = Plots.All.FirstOrDefault(p => p.Name == argument) ?? throw new InvalidDataException($"there is no plot {argument}");
                    return $"![{plot.Title}]({name}-{plot.Name}.svg)";
                default:
                    throw new InvalidDataException($"there is no placeholder {match.Value}");
            }
        });
        if (results.Sections.Except(sections).FirstOrDefault() is string missing)
        {
            throw new InvalidDataException($"the text has no {{{{table {missing}}}}}");
        }

        if (sections.GroupBy(s => s).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new InvalidDataException($"the text has {{{{table {twice.Key}}}}} twice");
        }

        return page;
    }

    private static string OfMachine(Results results)
    {
        Machine machine = results.Machine;
        string[] days = [.. results.Parts.Select(p => p.Date[..10]).Distinct().Order(StringComparer.Ordinal)];
        string when = days.Length > 1 ? $"{days[0]} to {days[^1]}" : days.FirstOrDefault() ?? "never";
        string quick = results.Quick ? " **With few repetitions (`--quick`): these are no figures to rely on.**" : "";
        return $"Measured on {when} with libftrace {results.Version} (commit {string.Join(", ", results.Parts.Select(p => p.Commit).Distinct())}): {machine.Cpu}, {machine.Cpus} CPUs, " +
            $"Linux {machine.Kernel}, GCC {machine.Gcc.Split(' ')[0]}, Clang {machine.Clang}; in {results.Parts.Sum(p => p.Seconds) / 60:0} minutes.{quick}";
    }

    private static string OfVerdicts(Results results)
    {
        int Count(string verdict) => results.Rows.Count(r => r.Target != null && r.Verdict == verdict);
        return $"Of {results.Rows.Count(r => r.Target != null)} figures that have a target, {Count("met")} meet it, {Count("missed")} miss it, {Count("noisy")} are noisy, " +
            $"and {Count("not measured")} have no peer here.";
    }

    private static string OfNoise(Results results)
    {
        Part[] noisy = [.. results.Parts.Where(p => p.Noisy.Length > 0)];
        if (noisy.Length == 0)
        {
            return "The machine was quiet in all parts.";
        }

        string[] lines = ["**The machine was not quiet** while these parts were measured, so their rows have no verdict:", "", "| part | why |", "|---|---|",
            .. noisy.Select(p => $"| {p.Name} | {p.Noisy} |")];
        return string.Join('\n', lines);
    }

    private static string Table(Results results, string section, bool withRatios)
    {
        Row[] rows = [.. results.Rows.Where(r => r.Section == section)];
        if (rows.Length == 0)
        {
            throw new InvalidDataException($"no row is of the section {section}");
        }

        IEnumerable<string> notes = results.Notes.Where(n => n.Section == section).SelectMany(n => new[] { "", n.Text });
        return string.Join('\n', (rows.All(r => r.Axis.Length > 0) ? Curves(rows, withRatios) : Lines(rows)).Concat(notes));
    }

    private static IEnumerable<string> Lines(Row[] rows)
    {
        bool hasPeers = rows.Any(r => r.Against.Length > 0), hasTargets = rows.Any(r => r.Target != null || r.Verdict.Length > 0);
        yield return "| what | here |" + (hasPeers ? " against | there | ratio |" : "") + (hasTargets ? " target |" : "");
        yield return "|---|---|" + (hasPeers ? "---|---|---|" : "") + (hasTargets ? "---|" : "");
        foreach (Row row in rows)
        {
            string there = row.Peer != null ? Number.Of(row.Peer, row.Unit) : row.Against.Length > 0 ? row.Why : "";
            string here = row.Here != null ? Number.Of(row.Here, row.Unit) : row.Against.Length > 0 ? "" : row.Why;
            yield return $"| {Text(row.What)} | {here} |" + (hasPeers ? $" {Text(row.Against)} | {there} | {Ratio(row)} |" : "") +
                (hasTargets ? $" {Verdict(row)} |" : "");
        }
    }

    /// <summary>A line for each curve: the values, with the ratio, or the value of the peer, in parentheses.</summary>
    private static IEnumerable<string> Curves(Row[] rows, bool withRatios)
    {
        long[] xs = [.. rows.Where(r => r.Here != null).Select(r => r.N).Distinct().Order()];
        bool hasPeers = rows.Any(r => r.Against.Length > 0), hasTargets = rows.Any(r => r.Target != null);
        yield return $"| {rows[0].Axis} |" + string.Concat(xs.Select(x => $" {x.ToString("#,0", CultureInfo.InvariantCulture)} |")) +
            (hasPeers ? " against |" : "") + (hasTargets ? " target |" : "");
        yield return "|---|" + string.Concat(xs.Select(_ => "---|")) + (hasPeers ? "---|" : "") + (hasTargets ? "---|" : "");
        foreach (IGrouping<string, Row> curve in rows.GroupBy(r => r.Key))
        {
            Row first = curve.First();
            string unit = Number.Nanoseconds(1, first.Unit) == null ? $", {first.Unit}" : "";
            string cells = string.Concat(xs.Select(x => $" {Cell(curve.FirstOrDefault(r => r.N == x && r.Here != null), withRatios)} |"));
            string why = curve.All(r => r.Peer == null) && first.Why.Length > 0 && first.Against.Length > 0 ? $": {first.Why}" : "";
            string unmeasured = curve.All(r => r.Here == null) && why.Length == 0 ? $": {first.Why}" : "";
            IGrouping<string, Row>[] bounds = [.. curve.Where(r => r.Target != null).GroupBy(Bound)];
            string[] targets = [.. bounds.Select(b => bounds.Length == 1 ? b.Key : $"{b.Key} ({string.Join(", ", b.Select(r => r.N))})")];
            yield return $"| {Text(first.What)}{unit}{unmeasured} |{cells}" + (hasPeers ? $" {Text(first.Against)}{why} |" : "") +
                (hasTargets ? $" {string.Join(", ", targets)} |" : "");
        }
    }

    private static string Cell(Row? row, bool withRatio)
    {
        if (row?.Here == null)
        {
            return "";
        }

        string value = Number.Nanoseconds(1, row.Unit) == null ? Number.Of(row.Here.Median) : Number.Of(row.Here.Median, row.Unit);
        string mark = row.Verdict == "noisy" ? "?" : "";
        if (row.Ratio == null)
        {
            return value + mark;
        }

        if (!withRatio)
        {
            return $"{value}{mark} ({Number.Of(row.Peer!.Median, row.Unit)})";
        }

        string ratio = row.Verdict == "missed" ? $"**{Ratio(row)}**" : Ratio(row) + mark;
        return $"{value} ({ratio})";
    }

    private static string Ratio(Row row) => row.Ratio == null ? "" : Number.Of(row.Ratio.Median) + (row.RatioOf == "peer/here" ? " times cheaper" : "");

    private static string Bound(Row row) =>
        row.Target == null ? "" : $"{row.Target.Is} {(row.Target.Of == "value" ? Number.Round(row.Target.Value, row.Unit) : Number.Round(row.Target.Value))}";

    private static string Verdict(Row row)
    {
        string verdict = row.Verdict switch
        {
            "missed" => "**missed**",
            "not measured" => "",
            _ => row.Verdict,
        };
        return string.Join(": ", ((string[])[Bound(row), verdict]).Where(s => s.Length > 0));
    }

    /// <summary>As text of a table.</summary>
    private static string Text(string text) => text.Replace("*", "\\*", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal);
}
