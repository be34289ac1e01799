using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Ftrace.Tool.Attach;

/// <summary>A process, by its files in /proc and its memory.</summary>
internal sealed class TargetProcess : IDisposable
{
    private readonly string _folder;

    public TargetProcess(int pid)
    {
        Pid = pid;
        _folder = $"/proc/{pid}";
        Memory = new TargetMemory($"{_folder}/mem");
    }

    public int Pid { get; }

    public TargetMemory Memory { get; }

    public bool Exists => Directory.Exists(_folder);

    /// <summary>The path that the process itself has as <c>/</c>.</summary>
    public string Root => $"{_folder}/root";

    /// <exception cref="AttachException">It has ended.</exception>
    public ProcessStatus ReadStatus() => new(Read("status"));

    /// <returns>Null: the thread has ended.</returns>
    public ProcessStatus? ReadStatus(int tid) => TryRead($"task/{tid}/status") is string text ? new ProcessStatus(text) : null;

    /// <exception cref="AttachException">It has ended, or may not be looked at.</exception>
    public TargetMaps ReadMaps() => new(Read("maps"));

    /// <summary>The auxiliary vector, in words.</summary>
    public byte[] ReadAuxiliaryVector()
    {
        try
        {
            return File.ReadAllBytes($"{_folder}/auxv");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FailureOf(e);
        }
    }

    /// <summary>Its threads; none: it has ended.</summary>
    public List<int> ReadThreads()
    {
        try
        {
            return [.. Directory.EnumerateDirectories($"{_folder}/task").Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>A file of a thread; null: the thread has ended, or there is no such file.</summary>
    public string? ReadThreadFile(int tid, string name) => TryRead($"task/{tid}/{name}");

    public AttachException Refuse(AttachRefusal refusal, string why) => new(refusal, $"{Pid}: {why}");

    /// <summary>It is not there any more, or the program is not that was looked at.</summary>
    public AttachException RefuseEnded() => Memory.IsGone && TryRead("status") is string text && !new ProcessStatus(text).HasEnded
        ? new AttachException(AttachRefusal.Ended, $"{Pid}: the process has just executed another program; try again") { IsTemporary = true }
        : Refuse(AttachRefusal.Ended, "the process has ended");

    public void Dispose() => Memory.Dispose();

    private string Read(string name)
    {
        try
        {
            return File.ReadAllText($"{_folder}/{name}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FailureOf(e);
        }
    }

    private string? TryRead(string name)
    {
        try
        {
            return File.ReadAllText($"{_folder}/{name}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private AttachException FailureOf(Exception e) => e is UnauthorizedAccessException ? Permission.Refuse(this) : RefuseEnded();
}
