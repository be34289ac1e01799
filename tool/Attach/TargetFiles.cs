using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Ftrace.Tool.Attach;

/// <summary>
/// The file system that another process sees. It may belong to somebody else, who can put there what he likes: symbolic links, FIFOs, devices. So each path is
/// resolved as in the process, links too, and never leaves its root; and nothing but files is opened.
/// </summary>
internal sealed unsafe partial class TargetFiles : IDisposable
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const ulong PathOnly = 0x200000; // O_PATH
    private const ulong Folder = 0x10000; // O_DIRECTORY
    private const ulong CloseOnExec = 0x80000;
    private const ulong InRoot = 0x10 | 0x02; // RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS
    private const nint OpenNumber = 437; // openat2(2)
    private const int TypeMask = 0xf000;
    private const int RegularFile = 0x8000;

    private readonly int _root;

    /// <param name="process">The process.</param>
    public TargetFiles(TargetProcess process) => _root = Open(CurrentFolder, process.Root, PathOnly | Folder, 0);

    /// <summary>Opens a file to read it. Null: there is none, or it is none; see errno.</summary>
    public FileStream? Open(string path)
    {
        using TargetPlace? found = Find(path, PathOnly);
        return found == null || (Recording.Libc.ModeOf(found.Path, follow: true) & TypeMask) != RegularFile
            ? null
            : new FileStream(found.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
    }

    /// <summary>A folder. Null: there is none, see errno.</summary>
    public TargetPlace? OpenFolder(string path) => Find(path, PathOnly | Folder);

    public void Dispose() => Libc.Close(_root);

    private TargetPlace? Find(string path, ulong flags)
    {
        int found = _root < 0 ? -1 : Open(_root, path, flags, InRoot);
        return found < 0 ? null : new TargetPlace(found);
    }

    private static int Open(int folder, string path, ulong flags, ulong resolve)
    {
        byte[] name = Encoding.UTF8.GetBytes(path + "\0");
        ulong* how = stackalloc ulong[3] { flags | CloseOnExec, 0, resolve };
        fixed (byte* start = name)
        {
            return (int)SystemCall(OpenNumber, folder, start, how, 3 * sizeof(ulong));
        }
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint folder, byte* path, ulong* how, nint size);
}
