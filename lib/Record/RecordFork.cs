using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary><c>struct record_fork</c>, Native/recorder.h: the child of a fork, whose parent records.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.RecordFork_SizeOf)]
internal unsafe struct RecordFork
{
    [FieldOffset(Offsets.RecordFork_State)] public uint State;

    /// <summary>The child's recording does not wait for a traced call: samples are taken.</summary>
    [FieldOffset(Offsets.RecordFork_AtOnce)] public uint AtOnce;

    [FieldOffset(Offsets.RecordFork_Lost)] public ulong Lost;
    [FieldOffset(Offsets.RecordFork_Base)] public fixed byte Base[Offsets.RecordFork_BaseSize];

    [NoInstr]
    public static RecordFork* Shared => (RecordFork*)Native.Table->RecordFork;

    /// <summary>Notes how the names of the children's files begin, as an absolute path: the child may have another working directory.</summary>
    /// <param name="path">Null: children are not recorded. They are not either if the path is too long.</param>
    public void SetBase(byte* path)
    {
        Base[0] = 0;
        fixed (byte* text = Base)
        {
            nint length = 0;
            if (path == null)
            {
                return;
            }

            if (*path != (byte)'/')
            {
                length = Native.Syscall(SyscallNumber.Getcwd, (nint)text, Offsets.RecordFork_BaseSize);
                if (length <= 0 || *text != (byte)'/')
                {
                    *text = 0;
                    return;
                }

                text[length - 1] = (byte)'/';
            }

            System.ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path);
            if (length + name.Length >= Offsets.RecordFork_BaseSize)
            {
                *text = 0;
                return;
            }

            name.CopyTo(new System.Span<byte>(text + length, name.Length));
            text[length + name.Length] = 0;
        }
    }
}
