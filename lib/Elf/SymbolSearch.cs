using System;
using Ftrace.Linux;

namespace Ftrace.Elf;

/// <summary>
/// Finds the function at one address in the symbol table of a file. It reads the table in pieces, and keeps nothing of it: for many
/// addresses there is <see cref="SymbolTable"/>.
/// </summary>
internal static unsafe class SymbolSearch
{
    private const int SymbolsAtOnce = 340; // 8 KB

    /// <summary>
    /// Finds the function that contains an address: of several the one that begins last, and of those the one that
    /// <see cref="SymbolTable"/> prefers.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="symbols">Its symbol table.</param>
    /// <param name="address">The address in the file, without the object's base.</param>
    /// <param name="function">The function.</param>
    public static bool TryFind(in ElfFile file, in ElfSection symbols, ulong address, out FunctionSymbol function)
    {
        function = default;
        bool found = false;
        if (symbols.EntrySize != (ulong)sizeof(ElfSymbol))
        {
            return false;
        }

        ElfSymbol* piece = stackalloc ElfSymbol[SymbolsAtOnce];
        ulong count = symbols.Size / (ulong)sizeof(ElfSymbol);
        for (ulong done = 0; done < count;)
        {
            ulong length = Math.Min(count - done, SymbolsAtOnce);
            if (!file.TryReadPart(symbols, done * (ulong)sizeof(ElfSymbol), piece, length * (ulong)sizeof(ElfSymbol)))
            {
                return false;
            }

            for (ulong i = 0; i < length; i++)
            {
                if (!piece[i].IsFunction || piece[i].Value > address)
                {
                    continue;
                }

                var candidate = new FunctionSymbol(piece[i]);
                if (address < candidate.End && (!found || IsBetter(candidate, function)))
                {
                    found = true;
                    function = candidate;
                }
            }

            done += length;
        }

        return found;
    }

    private static bool IsBetter(in FunctionSymbol a, in FunctionSymbol b) =>
        a.Start != b.Start ? a.Start > b.Start : FunctionSymbol.CompareNames(a, b) < 0;

    /// <summary>Reads the name of a function that was found, with its 0.</summary>
    /// <param name="file">The file.</param>
    /// <param name="symbols">Its symbol table.</param>
    /// <param name="name">Offset of the name in the string table.</param>
    /// <param name="to">Memory for it, all of which may be changed.</param>
    /// <param name="length">The length without the 0.</param>
    /// <returns>0; -ENAMETOOLONG if it does not fit, -ENOENT if there is none.</returns>
    public static int ReadName(in ElfFile file, in ElfSection symbols, uint name, Span<byte> to, out int length)
    {
        length = 0;
        if (symbols.Link >= (uint)file.Sections.Length || name >= file.Sections[(int)symbols.Link].Size)
        {
            return -Errno.ENOENT;
        }

        ElfSection strings = file.Sections[(int)symbols.Link];
        ulong rest = Math.Min(strings.Size - name, SymbolTable.LongestName + 1ul);
        int size = (int)Math.Min(rest, (ulong)to.Length);
        fixed (byte* start = to)
        {
            if (size > 0 && !file.TryReadPart(strings, name, start, (ulong)size))
            {
                return -Errno.ENOENT;
            }
        }

        length = to[..size].IndexOf((byte)0);
        if (length >= 0)
        {
            return length == 0 ? -Errno.ENOENT : 0;
        }

        // Without a 0 it ends with the table, or is longer than any name may be.
        length = size;
        return (ulong)size < rest ? -Errno.ENAMETOOLONG : TryEnd(to, ref length);
    }

    private static int TryEnd(Span<byte> name, ref int length)
    {
        length = Math.Min(length, SymbolTable.LongestName);
        if (length == name.Length)
        {
            return -Errno.ENAMETOOLONG;
        }

        name[length] = 0;
        return 0;
    }
}
