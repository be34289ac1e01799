using System;
using System.IO;
using NUnit.Framework;

namespace Ftrace.Tests.NoInstr;

/// <summary>Finds what the build has left.</summary>
internal static class BuildOutput
{
    public const string Library = "publish/obj/ftrace/release_linux-x64/native/libftrace.o";
    public const string Gate = "publish/obj/ftrace/release_linux-x64/native/gate.o";
    public const string Planted = "planted/obj/planted/release_linux-x64/native/planted.o";

    /// <summary>The file that a variable of the environment names, else the one in a build folder above the tests.</summary>
    public static string Find(string variable, string path)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } named)
        {
            Assert.That(named, Does.Exist, $"{variable} names a file that is not there");
            return named;
        }

        for (DirectoryInfo? folder = new(TestContext.CurrentContext.TestDirectory); folder != null; folder = folder.Parent)
        {
            foreach (string candidate in new[] { Path.Combine(folder.FullName, path), Path.Combine(folder.FullName, "build", path) })
            {
                if (File.Exists(candidate))
                {
                    return candidate;
                }
            }
        }

        Assert.Ignore($"{variable} is not set, and there is no {path} in a build folder above the tests; ./build.sh test makes it");
        return "";
    }
}
