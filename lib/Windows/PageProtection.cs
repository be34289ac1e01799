namespace Ftrace.Windows;

/// <summary>PAGE_*, winnt.h.</summary>
internal static class PageProtection
{
    public const uint ReadOnly = 0x02;
    public const uint ReadWrite = 0x04;
    public const uint WriteCopy = 0x08;
    public const uint ExecuteRead = 0x20;
    public const uint ExecuteReadWrite = 0x40;
    public const uint ExecuteWriteCopy = 0x80;

    /// <summary>PAGE_TARGETS_NO_UPDATE: with executable pages.</summary>
    public const uint TargetsNoUpdate = 0x40000000;

    /// <summary>The access by which the values above are told apart; above it there are flags.</summary>
    private const uint Access = 0xff;
    private const uint Guard = 0x100;

    /// <summary>What it allows: <see cref="Memory.ProtRead"/> and so on. Nothing for a guard page.</summary>
    public static int Rights(uint protection)
    {
        if ((protection & Guard) != 0)
        {
            return 0;
        }

        return (protection & Access) switch
        {
            ReadOnly => Memory.ProtRead,
            ReadWrite or WriteCopy => Memory.ProtRead | Memory.ProtWrite,
            ExecuteRead => Memory.ProtRead | Memory.ProtExec,
            ExecuteReadWrite or ExecuteWriteCopy => Memory.ProtRead | Memory.ProtWrite | Memory.ProtExec,
            _ => 0,
        };
    }

    /// <summary>The value for such rights, and readable.</summary>
    public static uint Of(int rights)
    {
        bool writable = (rights & Memory.ProtWrite) != 0;
        if ((rights & Memory.ProtExec) != 0)
        {
            return writable ? ExecuteReadWrite : ExecuteRead;
        }

        return writable ? ReadWrite : ReadOnly;
    }
}
