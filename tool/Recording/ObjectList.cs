using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;

namespace Ftrace.Tool.Recording;

/// <summary>The objects of a program, or of a running process.</summary>
internal static class ObjectList
{
    private const string Loader = "/lib64/ld-linux-x86-64.so.2";

    /// <summary>The program and the libraries that the loader would load, which is asked; the program is not run.</summary>
    public static List<ListedObject> OfProgram(string path, bool withLibraries)
    {
        var objects = new List<ListedObject> { new(path, path, IsProgram: true) };
        if (withLibraries && File.Exists(Loader))
        {
            AddLibraries(path, objects);
        }

        return objects;
    }

    /// <summary>What a process has mapped.</summary>
    public static List<ListedObject> OfProcess(int id)
    {
        var objects = new List<ListedObject>();
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{id}");
        string[] maps;
        string? program;
        try
        {
            maps = File.ReadAllLines($"{folder}/maps");
            program = new FileInfo($"{folder}/exe").LinkTarget;
        }
        catch (UnauthorizedAccessException)
        {
            throw new RecordingException($"{id}: the process is of another user, or may not be looked at; run the command as its user, or as root");
        }
        catch (IOException)
        {
            throw new RecordingException($"{id}: there is no such process");
        }

        var seen = new HashSet<string>();
        foreach (string line in maps)
        {
            // address perms offset dev inode path
            string[] parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 6 && parts[1].Contains('x') && parts[5][0] == '/' && seen.Add(parts[5]))
            {
                objects.Add(new ListedObject(parts[5], FileOf(folder, parts[0], parts[5]), parts[5] == program));
            }
        }

        return objects;
    }

    /// <summary>The file that is mapped, also if it was removed, where that may be opened; else the one that has the name in the process's root.</summary>
    private static string FileOf(string folder, string range, string path)
    {
        string mapped = $"{folder}/map_files/{range}";
        try
        {
            using FileStream file = File.OpenRead(mapped);
            return mapped;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{folder}/root{path}";
        }
    }

    private static void AddLibraries(string path, List<ListedObject> objects)
    {
        var start = new ProcessStartInfo(Loader) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("--list");
        start.ArgumentList.Add(System.IO.Path.GetFullPath(path)); // a name alone is searched for
        start.Environment.Remove("LD_PRELOAD");
        using Process? loader = Process.Start(start);
        if (loader == null)
        {
            return;
        }

        loader.StandardInput.Close();
        loader.ErrorDataReceived += (_, _) => { };
        loader.BeginErrorReadLine();
        while (loader.StandardOutput.ReadLine() is { } line)
        {
            // libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x...), or a path without an arrow
            int arrow = line.IndexOf("=> ", StringComparison.Ordinal);
            string found = (arrow < 0 ? line : line[(arrow + 3)..]).Trim();
            int end = found.LastIndexOf(" (0x", StringComparison.Ordinal);
            if (end > 0 && found[0] == '/')
            {
                objects.Add(new ListedObject(found[..end], found[..end], IsProgram: false));
            }
        }

        loader.WaitForExit();
    }
}
