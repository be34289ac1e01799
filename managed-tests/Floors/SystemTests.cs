using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Ftrace.Tests.Abi;
using NUnit.Framework;

namespace Ftrace.Tests.Floors;

/// <summary>
/// The operating system is chosen when the library is built, by files: lib/Linux or lib/Windows, and above them X.Windows.cs in the place
/// of X.Linux.cs or X.cs. No code asks which one it is.
/// </summary>
public sealed partial class SystemTests
{
    private const string Suffix = ".Windows.cs";

    private static readonly string s_root = Path.Combine(SourceTree.Root, "lib");

    private static readonly string[] s_files = [.. Directory.EnumerateFiles(s_root, "*.cs", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(s_root, file))
        .Where(file => file.Split('/')[0] is not ("obj" or "bin"))
        .Order(StringComparer.Ordinal)];

    public static IEnumerable<string> WindowsFiles => s_files.Where(file => file.EndsWith(Suffix, StringComparison.Ordinal));

    [GeneratedRegex(@"OperatingSystem\.|RuntimeInformation|OSPlatform|OSVersion|^\s*#\s*(if|elif)\b", RegexOptions.Multiline)]
    private static partial Regex Question();

    /// <summary>A member without its modifiers that do not matter here, up to its parameters or its value.</summary>
    [GeneratedRegex(
        @"^\s*(?:public|internal) (?>(?:(?:static|unsafe|readonly|extern|partial|const|ref) )*)(?!class |struct |enum )([^=({;]+)",
        RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^using (Ftrace[.\w]*);", RegexOptions.Multiline)]
    private static partial Regex Using();

    private static string Read(string file) => File.ReadAllText(Path.Combine(s_root, file));

    private static string[] Surface(string text) => [.. Declaration().Matches(text).Select(match => match.Groups[1].Value.Trim())];

    /// <summary>The file that is compiled for Linux in its place; null if there is none.</summary>
    private static string? Counterpart(string file)
    {
        string stem = file[..^Suffix.Length];
        return new[] { stem + ".Linux.cs", stem + ".cs" }.FirstOrDefault(s_files.Contains);
    }

    [Test]
    public void NoCodeAsksForTheSystem() => Assert.That(s_files.Where(file => Question().IsMatch(Read(file))), Is.Empty);

    [TestCase("if (OperatingSystem.IsWindows())")]
    [TestCase("RuntimeInformation.IsOSPlatform(OSPlatform.Linux)")]
    [TestCase("Environment.OSVersion")]
    [TestCase("namespace X;\n#if WINDOWS\n")]
    [TestCase("  # elif LINUX")]
    public void QuestionIsFound(string text) => Assert.That(Question().IsMatch(text), Is.True);

    /// <summary>What a file has for others, its counterpart has too, so that what is above can be the same for both.</summary>
    [TestCaseSource(nameof(WindowsFiles))]
    public void WindowsFileHasACounterpart(string file)
    {
        string[] surface = Surface(Read(file));
        if (Counterpart(file) is { } counterpart)
        {
            Assert.That(surface, Is.SubsetOf(Surface(Read(counterpart))), $"{file} against {counterpart}");
            return;
        }

        // There is nothing of the kind on Linux. Then nobody but such files may know it.
        var name = new Regex($@"\b{Path.GetFileName(file)[..^Suffix.Length]}\b");
        IEnumerable<string> users = s_files.Where(other => name.IsMatch(Read(other))).Except(WindowsFiles);
        Assert.That(users, Is.Empty, file);
    }

    [Test]
    public void SurfaceIsWhatOthersSee()
    {
        const string Text = """
            internal static unsafe partial class Here
            {
                public const int One = 1;
                public static readonly int Two;
                private static int Three;
                public static int Four(int x) => x;
                public bool Five { get; }
            }
            """;
        Assert.That(Surface(Text), Is.EqualTo(new[] { "int One", "int Two", "int Four", "bool Five" }));
    }

    /// <summary>The order of the floors holds for these files too; the library that <see cref="FloorTests"/> reads does not have them.</summary>
    [TestCaseSource(nameof(WindowsFiles))]
    public void WindowsFileKnowsOnlyFloorsBelow(string file)
    {
        string from = "Ftrace." + Path.GetDirectoryName(file)!.Replace('/', '.');
        foreach (Match known in Using().Matches(Read(file)))
        {
            string to = known.Groups[1].Value;
            Assert.That(FloorOrder.Shipped.Allows(new FloorEdge(from, file, to == "Ftrace.Windows" ? "Ftrace.Linux" : to, to)), Is.True, $"{file} uses {to}");
        }
    }

    /// <summary>The lowest floor knows none.</summary>
    [Test]
    public void SystemFloorKnowsNobody()
    {
        IEnumerable<string> residents = s_files.Where(file => file.StartsWith("Windows/", StringComparison.Ordinal));
        Assert.That(residents, Is.Not.Empty);
        Assert.That(residents.Where(file => Using().IsMatch(Read(file))), Is.Empty);
    }
}
