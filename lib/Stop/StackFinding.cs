using Ftrace.Linux;

namespace Ftrace.Stop;

/// <summary>Which thread uses a range of text.</summary>
internal unsafe struct StackFinding
{
    private const int LineSize = 200;

    /// <summary>The thread; 0: none was found.</summary>
    public int Tid;

    /// <summary>The address in its registers or on its stack; 0: it has more stacks than can be searched.</summary>
    public ulong Address;

    /// <summary>The address is in a register.</summary>
    public bool InRegister;

    /// <summary>Reports it to the host.</summary>
    public readonly void Print()
    {
        if (!HostPrint.IsSet)
        {
            return;
        }

        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        line.Add("ftrace: thread "u8);
        StopReport.AddName(ref line, Tid);
        if (Address == 0)
        {
            line.Add(" has more stacks than can be searched"u8);
        }
        else
        {
            line.Add(" has 0x"u8);
            line.AddHex(Address);
            line.Add(InRegister ? " in a register"u8 : " on its stack"u8);
        }

        line.Print();
    }
}
