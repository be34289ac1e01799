using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.Objects;

namespace Ftrace.JumpLabel;

/// <summary>Turns static keys on and off. The kernel's kernel/jump_label.c.</summary>
/// <remarks>A key's count is in its object, and changes after the branches have changed: after a failure both are as before.</remarks>
internal static unsafe class StaticKey
{
    private const int LineSize = 512;

    /// <summary>Executes a call, with the loader's lock held and the list of objects updated. Called with the trace mutex held.</summary>
    public static int Run(StaticKeyOperation operation, FtraceStaticKey* key)
    {
        var call = new StaticKeyCall { Operation = operation, Key = key };
        DlPhdrInfo.Iterate(&RunLocked, &call);
        return call.Result;
    }

    /// <summary>Called once, for the first object, whichever it is: the purpose is that the loader's lock is held.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RunLocked(DlPhdrInfo* info, nuint size, void* data)
    {
        var call = (StaticKeyCall*)data;
        call->Result = Execute(call);
        return 1;
    }

    private static int Execute(StaticKeyCall* call)
    {
        int error = LoadedObjects.Update();
        if (error != 0)
        {
            return error;
        }

        // A failure with other keys' branches is reported, and is not an error of this call.
        JumpPatcher.ApplyToNew();
        if (!AreBranchesKnown(call->Key))
        {
            return -Errno.ENOENT;
        }

        FtraceStaticKey* key = JumpPatcher.Resolve(call->Key);
        error = Count(call->Operation, key->Enabled, out int count);
        return error != 0 ? error : Set(key, count);
    }

    /// <summary>False if the object that has the key could not be read, or if its linker dropped the table.</summary>
    private static bool AreBranchesKnown(FtraceStaticKey* key)
    {
        LoadedObject* target = LoadedObjects.First;
        while (target != null && !target->Image.Contains((ulong)key, (ulong)sizeof(FtraceStaticKey), ProgramHeader.Readable))
        {
            target = target->Next;
        }

        if (target == null || !target->IsRead)
        {
            return target == null;
        }

        bool lost = target->MayHaveLostJumps && key->Reserved == 0 && !JumpPatcher.HasBranch(JumpPatcher.Resolve(key));
        if (lost && HostPrint.IsSet)
        {
            ReportLost(key, target);
        }

        return !lost;
    }

    private static void ReportLost(FtraceStaticKey* key, LoadedObject* target)
    {
        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        line.Add("ftrace: no branch on the static key at 0x"u8);
        line.AddHex((ulong)key);
        line.Add(" is known, and gold, which linked "u8);
        line.Add(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(target->FileName));
        line.Add(", drops them with --gc-sections; compile with the present ftrace/static_key.h, or use another linker"u8);
        line.Print();
    }

    private static int Count(StaticKeyOperation operation, int now, out int count)
    {
        count = now;
        switch (operation)
        {
            case StaticKeyOperation.Enable:
                count = now > 0 ? now : 1;
                return 0;
            case StaticKeyOperation.Disable:
                count = 0;
                return now > 1 ? -Errno.EBUSY : 0;
            case StaticKeyOperation.Inc:
                count = unchecked(now + 1);
                return now == int.MaxValue ? -Errno.EOVERFLOW : 0;
            default:
                count = unchecked(now - 1);
                return now <= 0 ? -Errno.EINVAL : 0;
        }
    }

    private static int Set(FtraceStaticKey* key, int count)
    {
        int error = JumpPatcher.Apply(key, count > 0);
        if (error != 0)
        {
            return error;
        }

        Volatile.Write(ref key->Enabled, count);
        return 0;
    }
}
