using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Ftrace.Linux;
using Ftrace.Patch;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>Who has probably changed a location, by its bytes and the memory map.</summary>
public sealed unsafe class ForeignCodeTests
{
    private const ulong Ip = 0x401000;
    private const ulong Program = 0x400000;
    private const ulong Anonymous = 0x500000;
    private const ulong Library = 0x600000;
    private const ulong Data = 0x700000;
    private const ulong Far = 0x7f00_0000_0000;
    private const int MapSize = 0x10000;
    private const string Nop = "0f 1f 44 00 00";

    private const string Uprobe = "; a breakpoint, and no debugger traces this process: probably a uprobe of the kernel (perf, bpftrace, SystemTap); remove the probe";

    /// <summary>A process whose mappings all have the same size.</summary>
    private struct FakeProcess : IProcessView
    {
        private readonly Dictionary<ulong, (string Name, int Protection)> _mappings = [];
        private readonly Dictionary<ulong, byte> _memory = [];

        public ulong Stub;
        public int Tracer;
        public string TracerName = "";

        public FakeProcess()
        {
        }

        public readonly void Map(ulong start, string name, int protection = Memory.ProtRead | Memory.ProtExec) => _mappings[start] = (name, protection);

        public readonly void Write(ulong address, string code)
        {
            for (int i = 0; i < 16; i++)
            {
                _memory.TryAdd(address + (ulong)i, 0);
            }

            byte[] bytes = BytesOf(code);
            for (int i = 0; i < bytes.Length; i++)
            {
                _memory[address + (ulong)i] = bytes[i];
            }
        }

        public readonly bool TryFindMapping(ulong address, out MapEntry mapping, out ReadOnlySpan<byte> name)
        {
            ulong start = address & ~(MapSize - 1ul);
            bool found = _mappings.TryGetValue(start, out (string Name, int Protection) map);
            mapping = new MapEntry { Start = start, End = start + MapSize, Protection = map.Protection };
            name = Encoding.UTF8.GetBytes(map.Name ?? "");
            return found;
        }

        public readonly int FindTool()
        {
            foreach ((string name, int protection) in _mappings.Values)
            {
                int tool = PatchingTool.Find(Encoding.UTF8.GetBytes(name));
                if (tool != PatchingTool.None && (protection & Memory.ProtExec) != 0)
                {
                    return tool;
                }
            }

            return PatchingTool.None;
        }

        public readonly bool TryRead(ulong address, Span<byte> to)
        {
            for (int i = 0; i < to.Length; i++)
            {
                if (!_memory.TryGetValue(address + (ulong)i, out to[i]))
                {
                    return false;
                }
            }

            return true;
        }

        public readonly bool IsStub(ulong address) => address == Stub;

        public readonly int FindTracer(Span<byte> name, out int length)
        {
            length = Encoding.UTF8.GetBytes(TracerName, name);
            return Tracer;
        }
    }

    private static byte[] BytesOf(string code) =>
        [.. code.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => Convert.ToByte(text, 16))];

    /// <summary>A call or jump with a 32-bit displacement, the opcode's bytes before it.</summary>
    private static string Relative(string opcode, ulong from, ulong to)
    {
        int length = opcode.Split(' ').Length + sizeof(int);
        byte[] displacement = BitConverter.GetBytes((int)(to - from - (ulong)length));
        return opcode + " " + string.Join(" ", displacement.Select(b => b.ToString("x2")));
    }

    private static string Address(ulong address) => string.Join(" ", BitConverter.GetBytes(address).Select(b => b.ToString("x2")));

    private static FakeProcess NewProcess()
    {
        var process = new FakeProcess();
        process.Map(Program, "/usr/bin/program");
        process.Map(Anonymous, "");
        process.Map(Library, "/usr/lib/libhook.so.1");
        process.Map(Data, "/usr/lib/libhook.so.1", Memory.ProtRead);
        process.Map(Far, "/opt/tool/libother.so");
        return process;
    }

    private static string Describe(string found, FakeProcess process, string expected = Nop)
    {
        byte* buffer = stackalloc byte[512];
        var line = new ReportLine(buffer, 512);
        byte[] bytes = [.. BytesOf(found).Concat(new byte[16]).Take(16)];
        ForeignCode.Describe(ref line, Ip, bytes, BytesOf(expected), ref process);
        return Encoding.UTF8.GetString(line.Text);
    }

    [Test]
    public void BreakpointOfADebugger()
    {
        FakeProcess process = NewProcess();
        process.Tracer = 1234;
        Assert.That(Describe("cc 1f 44 00 00", process), Is.EqualTo("; a breakpoint, probably of process 1234, which traces this one: delete it there"));
        process.TracerName = "gdb";
        Assert.That(Describe("cc 1f 44 00 00", process), Is.EqualTo("; a breakpoint, probably of process 1234 (gdb), which traces this one: delete it there"));
    }

    [Test]
    public void BreakpointWithoutADebugger() => Assert.That(Describe("cc 1f 44 00 00", NewProcess()), Is.EqualTo(Uprobe));

    [Test]
    public void CallThatTheKernelMadeOfANop()
    {
        FakeProcess process = NewProcess();
        process.Map(0x800000, "[uprobes-trampoline]");
        Assert.That(
            Describe(Relative("e8", Ip, 0x800000), process),
            Is.EqualTo("; a call, by a uprobe of the kernel (perf, bpftrace, SystemTap): remove the probe"));
    }

    [TestCase("e8", "call")]
    [TestCase("e9", "jump")]
    public void ToAnObject(string opcode, string kind) =>
        Assert.That(
            Describe(Relative(opcode, Ip, Library + 0x123), NewProcess()),
            Is.EqualTo($"; a {kind} into /usr/lib/libhook.so.1: remove what that has patched"));

    [TestCase("/usr/local/lib/libftrace.so.1.0.0", "another copy of this library")]
    [TestCase("/usr/lib/x86_64-linux-gnu/uftrace/libmcount.so", "uftrace")]
    [TestCase("/usr/lib/uftrace/libmcount-fast-single.so", "uftrace")]
    [TestCase("/memfd:frida-agent-64.so (deleted)", "Frida")]
    [TestCase("/opt/frida-gadget.so", "Frida")]
    [TestCase("/usr/lib/libdyninstAPI_RT.so.12", "Dyninst")]
    [TestCase("/usr/lib64/libpulp.so.0", "libpulp, live patches")]
    [TestCase("/usr/lib/libfunchook.so.2", "funchook")]
    public void ToAKnownTool(string path, string tool)
    {
        FakeProcess process = NewProcess();
        process.Map(0x900000, path);
        Assert.That(Describe(Relative("e9", Ip, 0x900010), process), Is.EqualTo($"; a jump into {path} ({tool}): remove what that has patched"));
        Assert.That(
            Describe(Relative("e9", Ip, Anonymous), process),
            Does.Contain("hooks functions" + (tool.StartsWith("another") ? ";" : $" ({tool} is loaded);")));
        Assert.That(Describe("b8 01 00 00 00", process), Does.Contain(tool.StartsWith("another") ? "another tool;" : $"another tool ({tool} is loaded);"));
    }

    [Test]
    public void OfALongPathTheEndIsShown()
    {
        FakeProcess process = NewProcess();
        string path = "/" + new string('x', 300) + "/libtool.so";
        process.Map(0x900000, path);
        Assert.That(Describe(Relative("e9", Ip, 0x900010), process), Is.EqualTo($"; a jump into {path[^120..]}: remove what that has patched"));
    }

    [Test]
    public void ToMemoryOfNoFile() =>
        Assert.That(
            Describe(Relative("e9", Ip, Anonymous + 0x40), NewProcess()),
            Is.EqualTo("; a jump to 0x500040, in no file: by a library that hooks functions; remove the hook"));

    [TestCase("[anon:hooks]")]
    [TestCase("[heap]")]
    public void ToMemoryWithANameThatIsNoPath(string name)
    {
        FakeProcess process = NewProcess();
        process.Map(Anonymous, name);
        Assert.That(Describe(Relative("e8", Ip, Anonymous), process), Does.StartWith("; a call to 0x500000, in no file"));
    }

    /// <summary>From a trampoline near the location, whatever jump that has.</summary>
    [TestCase("ff 25 02 00 00 00 00 00", true)]
    [TestCase("48 b8 ADDRESS ff e0", false)]
    [TestCase("49 bb ADDRESS 41 ff e3", false)]
    [TestCase("f3 0f 1e fa ff 25 06 00 00 00", true)]
    [TestCase("ff 35 0a 00 00 00 ff 25 04 00 00 00", true)]
    public void ThroughATrampoline(string code, bool isThroughMemory)
    {
        FakeProcess process = NewProcess();
        process.Write(Anonymous + 0x20, code.Replace("ADDRESS", Address(Far + 5)));
        if (isThroughMemory)
        {
            int jump = code.IndexOf("ff 25") / 3;
            ulong pointer = Anonymous + 0x20 + (ulong)jump + 6 + Convert.ToByte(code.Substring((jump + 2) * 3, 2), 16);
            process.Write(pointer, Address(Far + 5));
        }

        Assert.That(
            Describe(Relative("e9", Ip, Anonymous + 0x20), process), Is.EqualTo("; a jump into /opt/tool/libother.so: remove what that has patched"));
    }

    [Test]
    public void ThroughRelaysAndTheLinkageTable()
    {
        FakeProcess process = NewProcess();
        process.Write(Program + 0x100, Relative("ff 25", Program + 0x100, Program + 0x200)); // jmp *slot(%rip)
        process.Write(Program + 0x200, Address(Anonymous));
        process.Write(Anonymous, "eb 1e");
        process.Write(Anonymous + 0x20, Relative("e9", Anonymous + 0x20, Library));
        Assert.That(
            Describe(Relative("e8", Ip, Program + 0x100), process), Is.EqualTo("; a call into /usr/lib/libhook.so.1: remove what that has patched"));
    }

    /// <summary>Nothing can be read after it.</summary>
    [Test]
    public void AtTheEndOfAMapping()
    {
        FakeProcess process = NewProcess();
        process.Write(Anonymous + MapSize - 16, "90 90 90 90 90 90 90 90 90 90 " + Relative("e9", Anonymous + MapSize - 6, Library) + " 00");
        Assert.That(
            Describe(Relative("e8", Ip, Anonymous + MapSize - 6), process), Is.EqualTo("; a call into /usr/lib/libhook.so.1: remove what that has patched"));
    }

    /// <summary>It ends, and the first address is named.</summary>
    [Test]
    public void JumpInACircle()
    {
        FakeProcess process = NewProcess();
        process.Write(Anonymous, "eb fe");
        Assert.That(Describe(Relative("e9", Ip, Anonymous), process), Does.StartWith("; a jump to 0x500000, in no file"));
    }

    [Test]
    public void ThroughMemoryAtTheLocation()
    {
        FakeProcess process = NewProcess();
        process.Write(Program + 0x300, Address(Library));
        Assert.That(
            Describe(Relative("ff 25", Ip, Program + 0x300), process), Is.EqualTo("; a jump into /usr/lib/libhook.so.1: remove what that has patched"));
        Assert.That(
            Describe(Relative("ff 15", Ip, Program + 0x300), process), Is.EqualTo("; a call into /usr/lib/libhook.so.1: remove what that has patched"));
    }

    [Test]
    public void ThroughMemoryThatCannotBeRead() =>
        Assert.That(Describe(Relative("ff 25", Ip, 0x123456), NewProcess()), Is.EqualTo("; other code: of another tool; disable that, or skip the function"));

    [TestCase("48 b8", "ff e0")]
    [TestCase("49 bb", "41 ff e3")]
    public void AbsoluteAtTheLocation(string move, string jump) =>
        Assert.That(
            Describe($"{move} {Address(Far)} {jump}", NewProcess()), Is.EqualTo("; a jump into /opt/tool/libother.so: remove what that has patched"));

    [Test]
    public void AfterANop() =>
        Assert.That(
            Describe("90 " + Relative("e8", Ip + 1, Library), NewProcess()),
            Is.EqualTo("; a call into /usr/lib/libhook.so.1: remove what that has patched"));

    [Test]
    public void ShortJump() =>
        Assert.That(
            Describe("eb f0", NewProcess()),
            Is.EqualTo("; a jump to 0x400ff2, in the same object: by the program itself, or another tool; remove the hook"));

    [Test]
    public void InTheSameObject()
    {
        FakeProcess process = NewProcess();
        process.Map(0xa00000, "/usr/bin/program");
        Assert.That(
            Describe(Relative("e9", Ip, 0xa00020), process),
            Is.EqualTo("; a jump to 0xa00020, in the same object: by the program itself, or another tool; remove the hook"));
        process.Map(Library, "/usr/lib/libmcount.so");
        Assert.That(
            Describe(Relative("e8", Ip, 0xa00020), process),
            Is.EqualTo("; a call to 0xa00020, in the same object: by the program itself, or another tool (uftrace is loaded); remove the hook"));
    }

    [TestCase(0xbadul << 16)]
    [TestCase(Data)]
    public void WhereNoCodeIs(ulong target) =>
        Assert.That(
            Describe(Relative("e9", Ip, target), NewProcess()),
            Is.EqualTo($"; a jump to 0x{target:x}, where no code is: was the object of another tool closed? The process ends when the function is called"));

    [Test]
    public void CallOfThisLibraryThatWasPutBack()
    {
        FakeProcess process = NewProcess();
        process.Stub = Anonymous + 0x40;
        Assert.That(
            Describe(Relative("e8", Ip, Anonymous + 0x40), process),
            Is.EqualTo("; a call of this library from before, which another tool has put back: call again"));
    }

    [TestCase("c3")]
    [TestCase("c2 08 00")]
    public void Return(string code) =>
        Assert.That(
            Describe(code, NewProcess()), Is.EqualTo("; a return instruction: another tool has disabled the function; enable it there"));

    [Test]
    public void XRaySled() =>
        Assert.That(
            Describe("41 ba 01 00 00 00 e8 00 00 00 00", NewProcess()),
            Is.EqualTo("; a call of XRay: __xray_unpatch(), or compile without -fxray-instrument"));

    [TestCase("90 90 90 90 90")]
    [TestCase("0f 1f 80 00 00 00 00")]
    [TestCase("66 66 66 66 90")]
    public void Nops(string code)
    {
        Assert.That(Describe(code, NewProcess()), Does.StartWith("; nops of another shape"));
        Assert.That(Describe(code, NewProcess(), "e8 01 02 03 04"), Does.Contain("has removed the call"));
    }

    [TestCase("b8 01 00 00 00")]
    [TestCase("00 00 00 00 00")]
    [TestCase("ff e0")]
    [TestCase("48 b8 00 00 00 00 00 00 00 00 c3")]
    public void Other(string code) =>
        Assert.That(Describe(code, NewProcess()), Is.EqualTo("; other code: of another tool; disable that, or skip the function"));

    [Test]
    public void ChangedBack() =>
        Assert.That(Describe(Nop, NewProcess()), Is.EqualTo("; it has been changed back in the meantime: call again"));

    /// <summary>No more than the bytes of the location may be readable: nothing beyond them is looked at.</summary>
    [Test]
    public void ShortCode()
    {
        byte* buffer = stackalloc byte[512];
        foreach (string first in new[] { "cc", "e8", "e9", "eb", "ff 25", "ff 15", "48 b8", "49 bb", "41 ba", "c3", "90", "0f 1f", "00" })
        {
            for (int length = 2; length <= 16; length++)
            {
                var line = new ReportLine(buffer, 512);
                byte[] bytes = [.. BytesOf(first).Concat(new byte[16]).Take(length)];
                FakeProcess process = NewProcess();
                ForeignCode.Describe(ref line, Ip, bytes, BytesOf("e8 01 02 03 04"), ref process);
                Assert.That(line.Text.Length, Is.GreaterThan(10));
            }
        }
    }
}
