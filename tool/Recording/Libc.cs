using System.IO;
using System.Runtime.InteropServices;

namespace Ftrace.Tool.Recording;

/// <summary>Functions of the C library that .NET has no counterpart of. Those that fail set errno.</summary>
internal static unsafe partial class Libc
{
    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int ENOEXEC = 8;
    public const int EACCES = 13;
    public const int EEXIST = 17;

    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGQUIT = 3;
    public const int SIGPIPE = 13;
    public const int SIGTERM = 15;
    public const int SIGXFSZ = 25;

    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_NOCTTY = 0x100;
    public const int O_NOFOLLOW = 0x20000;
    public const int O_CLOEXEC = 0x80000;

    public const int AT_EACCESS = 0x200;
    public const int X_OK = 1;

    private const nint NewfstatatNumber = 262;
    private const int AtFdcwd = -100;
    private const nuint AtPlatform = 15; // AT_PLATFORM
    private const int StatSize = 144;
    private const int StatModeOffset = 24;
    private const int SymlinkNoFollow = 0x100;

    /// <summary>The last error.</summary>
    public static int Errno => Marshal.GetLastPInvokeError();

    /// <summary>The text of an error: "No such file or directory".</summary>
    public static string TextOf(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    /// <summary>The kernel's name of the platform, which the loader begins with: x86_64; null: it has none.</summary>
    public static string? Platform => Marshal.PtrToStringUTF8(GetAuxiliary(AtPlatform));

    /// <summary>The type of a file, and its permissions, without following a symbolic link; -1: there is none, see errno.</summary>
    public static int ModeOf(string path, bool follow = false)
    {
        byte* stat = stackalloc byte[StatSize];
        return FstatAt(AtFdcwd, path, stat, follow ? 0 : SymlinkNoFollow) == 0 ? *(int*)(stat + StatModeOffset) : -1;
    }

    /// <summary>The device and the number of a file, which no other one has; links are followed. Null: there is none.</summary>
    public static (ulong Device, ulong Number)? IdentityOf(string path)
    {
        byte* stat = stackalloc byte[StatSize];
        return FstatAt(AtFdcwd, path, stat, 0) == 0 ? (((ulong*)stat)[0], ((ulong*)stat)[1]) : null;
    }

    /// <summary>True if the program would run as another user or group than this process.</summary>
    public static bool ChangesIds(string path)
    {
        const int SetUser = 0x800;
        const int SetGroup = 0x400;

        byte* stat = stackalloc byte[StatSize];
        if (FstatAt(AtFdcwd, path, stat, 0) != 0)
        {
            return false;
        }

        int mode = *(int*)(stat + StatModeOffset);
        uint* owners = (uint*)(stat + StatModeOffset + sizeof(int));
        return ((mode & SetUser) != 0 && owners[0] != GetUser()) || ((mode & SetGroup) != 0 && owners[1] != GetGroup());
    }

    /// <summary>True if this process may execute the file.</summary>
    public static bool CanExecute(string path) => AccessAt(AtFdcwd, path, X_OK, AT_EACCESS) == 0;

    public static IOException Failure(string what) => new($"{what}: {TextOf(Errno)}");

    [LibraryImport("libc", EntryPoint = "getauxval")]
    private static partial nint GetAuxiliary(nuint type);

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int CreateMemory(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(int descriptor, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(int descriptor, void* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint WriteAt(int descriptor, void* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, void* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int descriptor, long length);

    [LibraryImport("libc", EntryPoint = "rename", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Rename(string from, string to);

    [LibraryImport("libc", EntryPoint = "unlink", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Unlink(string path);

    [LibraryImport("libc", EntryPoint = "getxattr", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial nint GetAttribute(string path, string name, void* value, nint size);

    /// <summary>Sets a signal's disposition, 0: the default, 1: ignored; returns the one before.</summary>
    [LibraryImport("libc", EntryPoint = "signal", SetLastError = true)]
    public static partial nint SetSignal(int signal, nint disposition);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    public static partial int WaitProcess(int process, int* status, int options);

    [LibraryImport("libc", EntryPoint = "waitid", SetLastError = true)]
    public static partial int WaitId(int type, int id, void* information, int options);

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetLimit(int resource, ulong* limit);

    [LibraryImport("libc", EntryPoint = "getuid")]
    private static partial uint GetUser();

    [LibraryImport("libc", EntryPoint = "getgid")]
    private static partial uint GetGroup();

    // These return the error.

    [LibraryImport("libc", EntryPoint = "posix_spawn")]
    public static partial int Spawn(int* process, byte* path, void* actions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    public static partial int InitializeAttributes(void* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    public static partial int SetFlags(void* attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    public static partial int SetDefaultSignals(void* attributes, void* set);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    public static partial int InitializeActions(void* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_adddup2")]
    public static partial int AddDuplicate(void* actions, int from, int to);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    public static partial int DestroyActions(void* actions);

    /// <summary>fstatat() itself is of glibc 2.33.</summary>
    private static int FstatAt(int directory, string path, void* stat, int flags) => (int)SystemCall(NewfstatatNumber, directory, path, stat, flags);

    [LibraryImport("libc", EntryPoint = "syscall", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial nint SystemCall(nint number, nint directory, string path, void* stat, nint flags);

    [LibraryImport("libc", EntryPoint = "faccessat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int AccessAt(int directory, string path, int mode, int flags);
}
