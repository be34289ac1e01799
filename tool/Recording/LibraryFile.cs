using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Text;

namespace Ftrace.Tool.Recording;

/// <summary>The library that is loaded into the program.</summary>
internal static class LibraryFile
{
    public const string Variable = "FTRACE_LIBRARY";

    private const string Name = "libftrace.so.1";
    private const string LoaderCache = "/etc/ld.so.cache";

    /// <summary>Beside the library: a folder for each value of $PLATFORM that is known, with a link to the library, or with an object for 32-bit programs.</summary>
    private const string PlatformsFolder = "ftrace";

    /// <summary>What a 32-bit loader on a 64-bit kernel puts in place of $PLATFORM.</summary>
    private const string OtherPlatform = "i686";

    /// <summary>The version of this command.</summary>
    public static Version OwnVersion
    {
        get
        {
            Version version = Assembly.GetExecutingAssembly().GetName().Version!;
            return new Version(version.Major, version.Minor, version.Build);
        }
    }

    /// <summary>Finds the library that is to be named in LD_PRELOAD, as <see cref="Find"/> does.</summary>
    /// <exception cref="RecordingException">There is none, it has another version, or such a name that it cannot be named there.</exception>
    public static string FindForPreload()
    {
        string path = Find();
        return path.AsSpan().IndexOfAny(' ', ':') < 0
            ? path
            : throw new RecordingException($"{path}: the loader takes no path with a space or a colon in LD_PRELOAD; set {Variable} to a link to it");
    }

    /// <summary>Finds the library: where <c>FTRACE_LIBRARY</c> says, beside this command, or where the loader would find it.</summary>
    /// <exception cref="RecordingException">There is none, or it has another version.</exception>
    public static string Find()
    {
        string? named = Environment.GetEnvironmentVariable(Variable);
        if (!string.IsNullOrEmpty(named))
        {
            return File.Exists(named)
                ? Check(System.IO.Path.GetFullPath(named))
                : throw new RecordingException($"{named}: no such file; {Variable} names the library {Name}");
        }

        foreach (string path in Candidates())
        {
            if (File.Exists(path))
            {
                return Check(System.IO.Path.GetFullPath(path));
            }
        }

        throw new RecordingException($"{Name}: not found beside this command or by the loader; set {Variable} to its path, or run ldconfig after the installation");
    }

    /// <summary>
    /// What to write into LD_PRELOAD. The environment is passed on to programs of both sizes. For the loaders of 32-bit ones, which would
    /// complain of the library, there is an object that has nothing; $PLATFORM is where they find it.
    /// </summary>
    /// <param name="path">What <see cref="FindForPreload"/> has returned.</param>
    public static string PreloadOf(string path)
    {
        // A library that was named is taken as it is.
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)))
        {
            return path;
        }

        string folders = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path)!, PlatformsFolder);
        string? own = Libc.Platform;
        bool isKnown = own != null && File.Exists(System.IO.Path.Combine(folders, own, Name)) && File.Exists(System.IO.Path.Combine(folders, OtherPlatform, Name));
        return isKnown ? System.IO.Path.Combine(folders, "$PLATFORM", Name) : path;
    }

    private static IEnumerable<string> Candidates()
    {
        string? folder = System.IO.Path.GetDirectoryName(Environment.ProcessPath);
        if (folder != null)
        {
            yield return System.IO.Path.Combine(folder, "..", "lib", Name);
        }

        foreach (string path in (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "").Split(':', ';'))
        {
            yield return System.IO.Path.Combine(path, Name);
        }

        foreach (string path in CachedPaths())
        {
            yield return path;
        }

        yield return "/lib64/" + Name;
        yield return "/usr/lib64/" + Name;
    }

    /// <summary>What ldconfig(8) has found. The cache has the paths as strings that end in a zero byte.</summary>
    private static List<string> CachedPaths()
    {
        var paths = new List<string>();
        byte[] cache;
        try
        {
            cache = File.ReadAllBytes(LoaderCache);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return paths;
        }

        ReadOnlySpan<byte> end = Encoding.ASCII.GetBytes("/" + Name + "\0");
        ReadOnlySpan<byte> rest = cache;
        for (int at = rest.IndexOf(end); at >= 0; at = rest.IndexOf(end))
        {
            int start = rest[..at].LastIndexOf((byte)0) + 1;
            paths.Add(Encoding.UTF8.GetString(rest[start..(at + end.Length - 1)]));
            rest = rest[(at + end.Length)..];
        }

        return paths;
    }

    private static string Check(string path)
    {
        Version? version = VersionOf(path);
        Version own = OwnVersion;
        if (version != null && (version.Major != own.Major || version < own))
        {
            throw new RecordingException($"{path}: has version {version}, and this command {own}; install both from one release, or set {Variable}");
        }

        return path;
    }

    /// <summary>The version is in the name of the file, libftrace.so.1.2.3, that links refer to; null: it is not.</summary>
    public static Version? VersionOf(string path)
    {
        string target = new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
        int at = target.LastIndexOf(".so.", StringComparison.Ordinal);
        return at >= 0 && Version.TryParse(target.AsSpan(at + 4), out Version? version) && version.Build >= 0 ? version : null;
    }
}
