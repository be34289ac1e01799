using System;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.Objects;

namespace Ftrace.Record;

/// <summary>
/// Writes the names of an object's functions that cannot be traced: samples are taken there too, and the file is to be complete in itself.
/// Called with the trace mutex, the loader's lock and the file's mutex held.
/// </summary>
internal static unsafe class OtherFunctions
{
    public static void Write(LoadedObject* target)
    {
        int error = 0;
        int file = ObjectReader.Open(target, out ulong size);
        if (file < 0)
        {
            return;
        }

        if (ElfFile.TryOpen(new ElfSource(file, size, &error), out ElfFile elf))
        {
            if (elf.IsOf(&target->Image) && ObjectReader.TryReadSymbols(target, elf, &error, out SymbolTable symbols))
            {
                Write(target, symbols);
                symbols.Free();
            }

            elf.Close();
        }

        ProcFile.Close(file);
    }

    private static void Write(LoadedObject* target, in SymbolTable symbols)
    {
        uint count = 0;
        int site = 0;
        ulong last = ulong.MaxValue;
        foreach (ref readonly FunctionSymbol function in symbols.All)
        {
            // Of several with the same start the first one is shown.
            ulong start = target->Image.Base + function.Start;
            if (start == last || !target->Image.Contains(start, 1, ProgramHeader.Code))
            {
                continue;
            }

            last = start;
            while (site < target->SiteCount && target->FirstSite[site].Function < start)
            {
                site++;
            }

            bool isTraceable = site < target->SiteCount && target->FirstSite[site].Function == start;
            var length = (uint)Math.Min(function.End - function.Start, uint.MaxValue);
            if (!isTraceable && !RecordedObjects.TryAdd(InfoKind.OtherSymbols, target, start, length, symbols.NameOf(function), ref count))
            {
                return;
            }
        }

        InfoWriter.End();
    }
}
