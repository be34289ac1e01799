using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Elf;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>The dynamic symbols of an object that another thread relocates meanwhile: the library itself, from its file.</summary>
public sealed unsafe class DynamicSymbolsTests
{
    private const int HeadersAt = 32;
    private const int HeaderCountAt = 56;
    private const int Last = 4;
    private const int Rounds = 1_000_000;
    private const long LongestWaitMs = 30_000;

    private static bool s_isOver;

    private static byte* Map(byte[] file, out ElfImage image)
    {
        int count = BitConverter.ToUInt16(file, HeaderCountAt);
        var headers = (ProgramHeader*)NativeMemory.Alloc((nuint)(count * sizeof(ProgramHeader)));
        file.AsSpan((int)BitConverter.ToUInt64(file, HeadersAt), count * sizeof(ProgramHeader)).CopyTo(new Span<byte>(headers, count * sizeof(ProgramHeader)));
        image = new ElfImage { Headers = headers, HeaderCount = count };
        image.Range(out _, out ulong size);
        byte* memory = (byte*)NativeMemory.AllocZeroed((nuint)size);
        image.Base = (ulong)memory;
        for (int i = 0; i < count; i++)
        {
            if (headers[i].Type == ProgramHeader.Load)
            {
                file.AsSpan((int)headers[i].Offset, (int)headers[i].FileSize).CopyTo(new Span<byte>(memory + headers[i].Address, (int)headers[i].FileSize));
            }
        }

        return memory;
    }

    /// <summary>Where the relocations of the PLT store addresses, else the others.</summary>
    private static Span<ElfRela> Relocations(ElfImage* image)
    {
        ulong plt = 0, pltBytes = 0, table = 0, bytes = 0;
        var entries = new DynamicEntries(image);
        while (entries.MoveNext())
        {
            plt = entries.Tag == DynamicEntries.PltRelocations ? entries.Address : plt;
            pltBytes = entries.Tag == DynamicEntries.PltBytes ? entries.Value : pltBytes;
            table = entries.Tag == DynamicEntries.Relocations ? entries.Address : table;
            bytes = entries.Tag == DynamicEntries.RelocationBytes ? entries.Value : bytes;
        }

        return plt != 0 ? new((void*)plt, (int)(pltBytes / (ulong)sizeof(ElfRela))) : new((void*)table, (int)(bytes / (ulong)sizeof(ElfRela)));
    }

    private static ElfImage s_image;

    private static void RelocateAgainAndAgain()
    {
        fixed (ElfImage* image = &s_image)
        {
            Span<ElfRela> relocations = Relocations(image)[^Last..]; // one of them is looked at
            for (bool relocate = true; !Volatile.Read(ref s_isOver); relocate = !relocate)
            {
                for (int i = relocations.Length - 1; i >= 0; i--)
                {
                    ulong* word = (ulong*)(image->Base + relocations[i].Offset);
                    Volatile.Write(ref *word, relocate ? image->Base + 1 : 0);
                }
            }
        }
    }

    /// <summary>Whatever another thread does, a function that is there is found or expected, and nothing else.</summary>
    [Test]
    public void FoundOrExpected()
    {
        string? path = Environment.GetEnvironmentVariable("FTRACE_LIBRARY");
        if (!File.Exists(path))
        {
            Assert.Ignore("no library: run ./build.sh test, or set FTRACE_LIBRARY");
        }

        byte* memory = Map(File.ReadAllBytes(path!), out s_image);
        s_isOver = false;
        var relocates = new Thread(RelocateAgainAndAgain);
        relocates.Start();
        int found = 0, expected = 0, both = 0, neither = 0;
        fixed (ElfImage* image = &s_image)
        {
            var symbols = new DynamicSymbols(image);
            long end = Environment.TickCount64 + LongestWaitMs;
            for (int i = 0; i < Rounds || ((found == 0 || expected == 0) && Environment.TickCount64 < end); i++)
            {
                bool isFound = symbols.TryFind("ftrace_register_function"u8, out _, out bool isExpected);
                found += isFound ? 1 : 0;
                expected += isExpected ? 1 : 0;
                both += isFound && isExpected ? 1 : 0;
                neither += isFound || isExpected ? 0 : 1;
            }

            Volatile.Write(ref s_isOver, true);
            relocates.Join();
            Assert.That(symbols.TryFind("ftrace_nothing"u8, out _, out bool comes) || comes, Is.False);
            NativeMemory.Free(image->Headers);
        }

        NativeMemory.Free(memory);
        Assert.That((both, neither), Is.EqualTo((0, 0)), $"found {found} times, expected {expected} times");
        Assert.That(found, Is.Positive);
        Assert.That(expected, Is.Positive);
    }
}
