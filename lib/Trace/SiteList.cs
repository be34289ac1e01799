using System.Numerics;
using Ftrace.Objects;

namespace Ftrace.Trace;

/// <summary>Calls a function of the host's for all sites, or for those that are traced.</summary>
internal unsafe struct SiteList
{
    public void* Fn;
    public void* Data;
    public bool EnabledOnly;

    public readonly int Run()
    {
        int result = 0;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            for (int i = 0; i < target->SiteCount && result == 0; i++)
            {
                Site* site = target->FirstSite + i;
                if (EnabledOnly && site->Current == 0)
                {
                    continue;
                }

                var shown = new FtraceSite
                {
                    Size = (nuint)sizeof(FtraceSite),
                    Ip = site->Ip,
                    Function = site->Function,
                    Name = site->Name,
                    Object = target->Path,
                    Users = (ulong)BitOperations.PopCount(site->Current),
                    Display = DisplayNames.NameOf(site),
                    Data = target->Words.Find(site->Ip),
                };
                result = ((delegate* unmanaged[Cdecl]<FtraceSite*, void*, int>)Fn)(&shown, Data);
            }
        }

        return result;
    }
}
