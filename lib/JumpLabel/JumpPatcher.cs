using System;
using Ftrace.Linux;
using Ftrace.Objects;
using Ftrace.Patch;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.JumpLabel;

/// <summary>
/// Makes the branches agree with their keys. Called with the trace mutex and the loader's lock held.
/// </summary>
internal static unsafe class JumpPatcher
{
    /// <summary>Changes all branches on a key, for the value that it is about to have.</summary>
    /// <returns>0 or -errno; after an error no branch was changed.</returns>
    public static int Apply(FtraceStaticKey* key, bool enabled) => Apply(null, key, enabled);

    private static int Apply(LoadedObject* only, FtraceStaticKey* key, bool enabled)
    {
        int count = Collect(only, key, enabled, null, int.MaxValue);
        if (count <= 0)
        {
            return count;
        }

        Block memory = Block.Allocate((nuint)count * (nuint)sizeof(FtracePatch));
        if (memory.IsEmpty)
        {
            return -Errno.ENOMEM;
        }

        var patches = (FtracePatch*)memory.Start;
        count = Collect(only, key, enabled, patches, count);
        int error = count <= 0 ? count : Patcher.Patch(patches, count, PatchRequest.Default);
        var process = default(ProcessView);
        for (int i = 0; i < count && error == -Errno.EINVAL; i++)
        {
            if (patches[i].Error == error)
            {
                Report.OtherCode("a branch"u8, patches + i, ref process);
            }
        }

        process.Close();

        memory.Free();
        return error;
    }

    /// <summary>Changes branches of new objects whose keys have another value than the one that the branches were compiled for.</summary>
    /// <returns>
    /// 0 or the first -errno; in an object that failed no branch was changed. After a temporary failure the next call tries again.
    /// </returns>
    public static int ApplyToNew()
    {
        int result = 0;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            if (target->JumpsAreNew)
            {
                int error = Apply(target, null, false);
                target->JumpsAreNew = error is not (0 or -Errno.EINVAL or -Errno.ERANGE);
                result = result != 0 ? result : error;
            }
        }

        return result;
    }

    /// <summary>The key that a key is an alias of; most keys are not aliases.</summary>
    public static FtraceStaticKey* Resolve(FtraceStaticKey* key)
    {
        // Read each time: it is not set yet while its object is being opened.
        FtraceStaticKey* origin = key->Origin;
        return origin != null ? origin : key;
    }

    /// <summary>True if a branch on the key, or on an alias of it, is known.</summary>
    public static bool HasBranch(FtraceStaticKey* key)
    {
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            for (int i = 0; i < target->JumpCount; i += target->FirstJump[i].Run)
            {
                if (Resolve(target->FirstJump[i].Key) == key)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Collects the branches that have to change: those on a key, or, if that is null, those of one object.</summary>
    /// <returns>How many, at most <paramref name="max"/>; or -ERANGE.</returns>
    private static int Collect(LoadedObject* only, FtraceStaticKey* key, bool enabled, FtracePatch* patches, int max)
    {
        int count = 0;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            if (key == null && target != only)
            {
                continue;
            }

            for (int i = 0; i < target->JumpCount; i += target->FirstJump[i].Run)
            {
                JumpSite* first = target->FirstJump + i;
                FtraceStaticKey* origin = Resolve(first->Key);
                if (key != null && key != origin)
                {
                    continue;
                }

                bool value = key != null ? enabled : origin->Enabled > 0;
                for (JumpSite* site = first; site < first + first->Run && count < max; site++)
                {
                    FtracePatch patch = new() { Ip = site->Ip, Len = X86Instruction.CallSize };
                    var wanted = new Span<byte>(patch.NewCode, X86Instruction.CallSize);
                    if (!site->TryEncode(value, wanted) || !site->TryEncode(!value, new Span<byte>(patch.OldCode, X86Instruction.CallSize)))
                    {
                        return -Errno.ERANGE;
                    }

                    if (wanted.SequenceEqual(new ReadOnlySpan<byte>((byte*)site->Ip, X86Instruction.CallSize)))
                    {
                        continue;
                    }

                    if (patches != null)
                    {
                        patches[count] = patch;
                    }

                    count++;
                }
            }
        }

        return count;
    }
}
