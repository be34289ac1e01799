using System;
using System.Buffers.Binary;
using Ftrace.Linux;
using Ftrace.Objects;
using Ftrace.X86;

namespace Ftrace.Patch;

/// <summary>
/// Says who has probably changed a location, and what to do about it: recognized by the bytes that are there, and by the memory that
/// a call or jump leads to.
/// </summary>
/// <remarks>
/// Debuggers and the kernel's uprobes write int3. Since Linux 6.18 the kernel turns a 5-byte nop with a uprobe into a call of a mapping with
/// a name of its own (arch/x86/kernel/uprobes.c). Other tools write a call or a jump to memory of theirs near the location, from where
/// jumps lead to their object.
/// </remarks>
internal static class ForeignCode
{
    /// <summary>So many bytes from the location on are looked at, if they can be read: as many as the longest jump has.</summary>
    public const int MostBytes = 16;

    private const int MaxJumps = 4;
    private const int LongestPath = 120;
    private const int TracerNameSize = 16; // TASK_COMM_LEN

    private const byte Nop = 0x90;
    private const byte Return = 0xc3;
    private const byte ReturnAndPop = 0xc2;
    private const byte ShortJump = 0xeb;
    private const byte Group5 = 0xff;
    private const byte CallThroughMemory = 0x15; // after ff; then a 32-bit displacement from the end
    private const byte JumpThroughMemory = 0x25;
    private const int ThroughMemorySize = 6;

    /// <summary>push disp32(%rip): its first bytes.</summary>
    private static ReadOnlySpan<byte> PushMemory => [0xff, 0x35];

    /// <summary>mov r10d,imm32: the first instruction of an XRay sled that is on.</summary>
    private static ReadOnlySpan<byte> XRaySled => [0x41, 0xba];

    /// <summary>mov r64,imm64 and jmp r64, for rax and r11; the address is between them.</summary>
    private static ReadOnlySpan<byte> MoveRax => [0x48, 0xb8];

    private static ReadOnlySpan<byte> JumpRax => [0xff, 0xe0];

    private static ReadOnlySpan<byte> MoveR11 => [0x49, 0xbb];

    private static ReadOnlySpan<byte> JumpR11 => [0x41, 0xff, 0xe3];

    private static ReadOnlySpan<byte> UprobesTrampoline => "[uprobes-trampoline]"u8;

    /// <summary>Adds the sentence to a line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="ip">The address of the location.</param>
    /// <param name="found">The bytes from there on, at least those of the location.</param>
    /// <param name="expected">The bytes that should be there.</param>
    /// <param name="process">The process.</param>
    public static void Describe<TProcess>(
        ref ReportLine line, ulong ip, ReadOnlySpan<byte> found, ReadOnlySpan<byte> expected, ref TProcess process)
        where TProcess : struct, IProcessView
    {
        if (found.StartsWith(expected))
        {
            line.Add("; it has been changed back in the meantime: call again"u8);
        }
        else if (found[0] == X86Instruction.Int3)
        {
            AddBreakpoint(ref line, ref process);
        }
        else if (TryDecodeAfterNop(ip, found, ref process, out ulong target, out bool isCall))
        {
            AddTransfer(ref line, ip, target, isCall, ref process);
        }
        else if (found[0] is Return or ReturnAndPop)
        {
            line.Add("; a return instruction: another tool has disabled the function; enable it there"u8);
        }
        else if (found.StartsWith(XRaySled))
        {
            line.Add("; a call of XRay: __xray_unpatch(), or compile without -fxray-instrument"u8);
        }
        else if (X86Instruction.NopLength(found) != 0)
        {
            line.Add(X86Instruction.AreNops(expected)
                ? "; nops of another shape: another tool has written them; restart the process, or skip the function"u8
                : "; nops: another tool, or a uprobe of the kernel, has removed the call; ftrace_update_sites() traces the function again"u8);
        }
        else
        {
            line.Add("; other code: of another tool"u8);
            AddLoadedTool(ref line, ref process);
            line.Add("; disable that, or skip the function"u8);
        }
    }

    private static void AddBreakpoint<TProcess>(ref ReportLine line, ref TProcess process)
        where TProcess : struct, IProcessView
    {
        Span<byte> name = stackalloc byte[TracerNameSize];
        int tracer = process.FindTracer(name, out int length);
        if (tracer != 0)
        {
            line.Add("; a breakpoint, probably of process "u8);
            line.Add(tracer);
            if (length > 0)
            {
                line.Add(" ("u8);
                line.Add(name[..length]);
                line.Add(")"u8);
            }

            line.Add(", which traces this one: delete it there"u8);
            return;
        }

        line.Add("; a breakpoint, and no debugger traces this process: probably a uprobe of the kernel (perf, bpftrace, SystemTap); remove the probe"u8);
    }

    private static void AddTransfer<TProcess>(ref ReportLine line, ulong ip, ulong target, bool isCall, ref TProcess process)
        where TProcess : struct, IProcessView
    {
        line.Add(isCall ? "; a call"u8 : "; a jump"u8);
        if (process.IsStub(target))
        {
            line.Add(" of this library from before, which another tool has put back: call again"u8);
            return;
        }

        ulong first = target;
        process.TryFindMapping(ip, out _, out ReadOnlySpan<byte> path);
        int pathLength = path.Length;
        Span<byte> ownPath = stackalloc byte[LongestPath];
        EndOf(path).CopyTo(ownPath);
        ownPath = ownPath[..EndOf(path).Length];
        Span<byte> buffer = stackalloc byte[MostBytes];
        for (int jumps = 0; ; jumps++)
        {
            if (!process.TryFindMapping(target, out MapEntry mapping, out ReadOnlySpan<byte> name) || (mapping.Protection & Memory.ProtExec) == 0)
            {
                AddLost(ref line, target);
                return;
            }

            if (name.SequenceEqual(UprobesTrampoline))
            {
                line.Add(", by a uprobe of the kernel (perf, bpftrace, SystemTap): remove the probe"u8);
                return;
            }

            bool isFile = !name.IsEmpty && name[0] == '/';
            bool inOwnObject = isFile && name.Length == pathLength && name.EndsWith(ownPath);
            if (isFile && !inOwnObject)
            {
                AddObject(ref line, name);
                return;
            }

            if (jumps == MaxJumps || !TryFollow(ref target, buffer, ref process))
            {
                AddUnknown(ref line, first, inOwnObject, ref process);
                return;
            }
        }
    }

    /// <summary>Where the code at an address jumps to at once: through a relay of a tool, a stub, or the procedure linkage table.</summary>
    private static bool TryFollow<TProcess>(ref ulong target, Span<byte> buffer, ref TProcess process)
        where TProcess : struct, IProcessView
    {
        ulong ip = target;
        ReadOnlySpan<byte> code = Read(ip, buffer, ref process);
        if (PatchableEntry.IsEndbr64(code))
        {
            ip += X86Instruction.EndbrSize;
            code = Read(ip, buffer, ref process);
        }

        if (code.StartsWith(PushMemory))
        {
            ip += ThroughMemorySize; // a stub like those of this library
            code = Read(ip, buffer, ref process);
        }

        return !code.IsEmpty && TryDecode(ip, code, ref process, out target, out bool isCall) && !isCall;
    }

    /// <summary>Reads code, less of it if it ends with its mapping, or nothing.</summary>
    private static ReadOnlySpan<byte> Read<TProcess>(ulong address, Span<byte> buffer, ref TProcess process)
        where TProcess : struct, IProcessView
    {
        if (process.TryRead(address, buffer))
        {
            return buffer;
        }

        return process.TryRead(address, buffer[..ThroughMemorySize]) ? buffer[..ThroughMemorySize] : default;
    }

    /// <summary>The same; before it may be a nop, which another copy of this library leaves before a site that was longer.</summary>
    private static bool TryDecodeAfterNop<TProcess>(ulong ip, ReadOnlySpan<byte> code, ref TProcess process, out ulong target, out bool isCall)
        where TProcess : struct, IProcessView
    {
        bool hasNop = code[0] == Nop && code[1] == X86Instruction.CallOpcode;
        return hasNop
            ? TryDecode(ip + 1, code[1..], ref process, out target, out isCall)
            : TryDecode(ip, code, ref process, out target, out isCall);
    }

    /// <summary>Decodes a call or a jump to one address.</summary>
    private static bool TryDecode<TProcess>(ulong ip, ReadOnlySpan<byte> code, ref TProcess process, out ulong target, out bool isCall)
        where TProcess : struct, IProcessView
    {
        target = 0;
        isCall = code[0] == X86Instruction.CallOpcode || (code[0] == Group5 && code.Length > 1 && code[1] == CallThroughMemory);
        if (code[0] is X86Instruction.CallOpcode or X86Instruction.JumpOpcode && code.Length >= X86Instruction.CallSize)
        {
            target = X86Instruction.CallTarget(ip, code);
            return true;
        }

        if (code[0] == ShortJump && code.Length > 1)
        {
            target = ip + 2 + (ulong)(sbyte)code[1];
            return true;
        }

        if (code[0] == Group5 && code.Length >= ThroughMemorySize && code[1] is CallThroughMemory or JumpThroughMemory)
        {
            Span<byte> pointer = stackalloc byte[sizeof(ulong)];
            ulong address = ip + ThroughMemorySize + (ulong)BinaryPrimitives.ReadInt32LittleEndian(code[2..]);
            bool read = process.TryRead(address, pointer);
            target = read ? BinaryPrimitives.ReadUInt64LittleEndian(pointer) : 0;
            return read;
        }

        return TryDecodeAbsolute(code, MoveRax, JumpRax, out target) || TryDecodeAbsolute(code, MoveR11, JumpR11, out target);
    }

    private static bool TryDecodeAbsolute(ReadOnlySpan<byte> code, ReadOnlySpan<byte> move, ReadOnlySpan<byte> jump, out ulong target)
    {
        int end = move.Length + sizeof(ulong);
        bool found = code.StartsWith(move) && code.Length >= end + jump.Length && code[end..].StartsWith(jump);
        target = found ? BinaryPrimitives.ReadUInt64LittleEndian(code[move.Length..]) : 0;
        return found;
    }

    private static ReadOnlySpan<byte> EndOf(ReadOnlySpan<byte> path) => path[Math.Max(path.Length - LongestPath, 0)..];

    private static void AddObject(ref ReportLine line, ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> tool = ToolOf(path[(path.LastIndexOf((byte)'/') + 1)..]);
        line.Add(" into "u8);
        line.Add(EndOf(path));
        if (!tool.IsEmpty)
        {
            line.Add(" ("u8);
            line.Add(tool);
            line.Add(")"u8);
        }

        line.Add(": remove what that has patched"u8);
    }

    private static void AddLost(ref ReportLine line, ulong target)
    {
        line.Add(" to 0x"u8);
        line.AddHex(target);
        line.Add(", where no code is: was the object of another tool closed? The process ends when the function is called"u8);
    }

    private static void AddUnknown<TProcess>(ref ReportLine line, ulong target, bool inOwnObject, ref TProcess process)
        where TProcess : struct, IProcessView
    {
        line.Add(" to 0x"u8);
        line.AddHex(target);
        line.Add(inOwnObject ? ", in the same object: by the program itself, or another tool"u8 : ", in no file: by a library that hooks functions"u8);
        AddLoadedTool(ref line, ref process);
        line.Add("; remove the hook"u8);
    }

    private static void AddLoadedTool<TProcess>(ref ReportLine line, ref TProcess process)
        where TProcess : struct, IProcessView
    {
        int tool = process.FindTool();
        if (tool != PatchingTool.None)
        {
            line.Add(" ("u8);
            line.Add(PatchingTool.NameOf(tool));
            line.Add(" is loaded)"u8);
        }
    }

    /// <summary>The name of the tool that an object belongs to; empty if it is not known.</summary>
    private static ReadOnlySpan<byte> ToolOf(ReadOnlySpan<byte> fileName)
    {
        if (fileName.StartsWith("libftrace"u8))
        {
            return "another copy of this library"u8;
        }

        int tool = PatchingTool.Find(fileName);
        return tool != PatchingTool.None ? PatchingTool.NameOf(tool) : default;
    }
}
