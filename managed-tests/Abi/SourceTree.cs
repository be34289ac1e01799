using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using NUnit.Framework;

namespace Ftrace.Tests.Abi;

/// <summary>Finds the headers, and the library that was built from them.</summary>
internal static class SourceTree
{
    /// <summary>
    /// The folder that has include/ftrace and lib/Native: the one that the tests were compiled from. The build folder may lie in another
    /// one.
    /// </summary>
    public static string Root { get; } =
        Above(Path.GetDirectoryName(ThisFile())!).Concat(Above()).FirstOrDefault(folder => File.Exists(Path.Combine(folder, "lib/Native/libftrace.map"))) ??
        throw new InvalidOperationException("the source tree is not above the test folder");

    public static string Include => Path.Combine(Root, "include");

    /// <summary>The public headers, as they are included.</summary>
    public static string[] Headers { get; } =
        [.. Directory.GetFiles(Path.Combine(Include, "ftrace"), "*.h").Select(h => "ftrace/" + Path.GetFileName(h)).Order(StringComparer.Ordinal)];

    /// <returns>The library of this version: FTRACE_LIBRARY, or the nearest build folder's; null if there is none.</returns>
    public static string? Library(string version)
    {
        if (Environment.GetEnvironmentVariable("FTRACE_LIBRARY") is { Length: > 0 } named)
        {
            return named;
        }

        // A build folder is recognized by what CMake leaves there; the tests may run inside of it.
        return Above().SelectMany(folder => (string[])[folder, Path.Combine(folder, "build")])
            .Where(folder => File.Exists(Path.Combine(folder, "CMakeCache.txt")))
            .Select(folder => Path.Combine(folder, "lib/libftrace.so." + version))
            .FirstOrDefault(File.Exists);
    }

    private static IEnumerable<string> Above() => Above(TestContext.CurrentContext.TestDirectory).Concat(Above(Path.GetDirectoryName(ThisFile())!));

    private static IEnumerable<string> Above(string start)
    {
        for (string? folder = start; folder != null; folder = Path.GetDirectoryName(folder))
        {
            yield return folder;
        }
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
