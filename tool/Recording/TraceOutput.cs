using System;

namespace Ftrace.Tool.Recording;

/// <summary>
/// The file that the trace is written to. It gets its name when it is complete, and a file that had the name is kept as FILE.old. A device or
/// FIFO is written to as it is.
/// </summary>
internal sealed unsafe class TraceOutput : IDisposable
{
    private const int TypeMask = 0xf000;
    private const int Directory = 0x4000;
    private const int Regular = 0x8000;
    private const int Link = 0xa000;
    private const int OwnerOnly = 0x180; // 0600
    private const int CreateNew = Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL | Libc.O_NOFOLLOW | Libc.O_CLOEXEC;
    private const int MostNames = 100;

    private readonly bool _isDevice;
    private string? _temporary;

    /// <summary>Nothing is changed yet, but it is known whether the file can be created.</summary>
    /// <exception cref="RecordingException">It cannot be created.</exception>
    public TraceOutput(string path)
    {
        if (path.Length == 0)
        {
            throw new RecordingException("-o: the name of the file is empty");
        }

        Path = path;
        FullPath = System.IO.Path.GetFullPath(path);
        int mode = Libc.ModeOf(path);
        _isDevice = mode >= 0 && (mode & TypeMask) != Regular;
        if (path.EndsWith('/') || (mode >= 0 && (mode & TypeMask) == Directory))
        {
            throw new RecordingException($"{path}: is a directory; -o takes the name of a file");
        }

        if (mode >= 0 && (mode & TypeMask) == Link)
        {
            throw new RecordingException($"{path}: is a symbolic link, which is not followed; give the name of the file itself");
        }

        if (!_isDevice)
        {
            Create();
            Abandon();
        }
    }

    public string Path { get; }

    public string FullPath { get; }

    /// <summary>Open once <see cref="Create"/> was called.</summary>
    public int Descriptor { get; private set; } = -1;

    /// <summary>True if the trace can be read again.</summary>
    public bool IsFile => !_isDevice;

    /// <summary>Creates the file, under another name.</summary>
    public void Create()
    {
        if (_isDevice)
        {
            Descriptor = Libc.Open(Path, Libc.O_WRONLY | Libc.O_NOCTTY | Libc.O_NOFOLLOW | Libc.O_CLOEXEC, 0);
            if (Descriptor < 0)
            {
                throw new RecordingException($"{Path}: {Libc.TextOf(Libc.Errno)}");
            }

            return;
        }

        for (int i = 0; i < MostNames; i++)
        {
            string name = $"{Path}.{Environment.ProcessId}-{i}.tmp";
            Descriptor = Libc.Open(name, CreateNew, OwnerOnly);
            if (Descriptor >= 0)
            {
                _temporary = name;
                return;
            }

            if (Libc.Errno != Libc.EEXIST)
            {
                break;
            }
        }

        throw new RecordingException($"{Path}: cannot be created: {Libc.TextOf(Libc.Errno)}; choose another file with -o FILE");
    }

    /// <summary>Writes at the end.</summary>
    /// <returns>0 or the error.</returns>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (nint done = 0; done < bytes.Length;)
            {
                nint count = Libc.Write(Descriptor, start + done, bytes.Length - done);
                if (count < 0 && Libc.Errno != Libc.EINTR)
                {
                    return Libc.Errno;
                }

                done += nint.Max(count, 0);
            }
        }

        return 0;
    }

    /// <summary>Removes what follows: a block that was not written as a whole.</summary>
    public void CutAt(long length) => Libc.Truncate(Descriptor, length);

    /// <summary>Gives the file its name.</summary>
    public void Commit()
    {
        if (_temporary == null)
        {
            return;
        }

        KeepOld($", and the trace is in {_temporary}");

        if (Libc.Rename(_temporary, Path) != 0)
        {
            throw Libc.Failure($"{Path} cannot be created, and the trace is in {_temporary}");
        }

        _temporary = null;
    }

    /// <summary>It stays under the name that it has until it is complete.</summary>
    /// <returns>The name.</returns>
    public string Keep()
    {
        string name = _temporary ?? Path;
        _temporary = null;
        return name;
    }

    /// <summary>Removes what was not given its name.</summary>
    public void Abandon()
    {
        if (_temporary != null)
        {
            Libc.Unlink(_temporary);
            _temporary = null;
        }

        Dispose();
    }

    /// <summary>There is no trace: a file of the name is an older one, and must not be taken for it.</summary>
    public void LeaveOut()
    {
        Abandon();
        KeepOld("");
    }

    private void KeepOld(string consequence)
    {
        if (Libc.ModeOf(Path) >= 0 && Libc.Rename(Path, Path + ".old") != 0)
        {
            throw Libc.Failure($"{Path} cannot be renamed to {Path}.old{consequence}");
        }
    }

    public void Dispose()
    {
        if (Descriptor >= 0)
        {
            Libc.Close(Descriptor);
            Descriptor = -1;
        }
    }
}
