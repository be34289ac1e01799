using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace Ftrace.Planted;

/// <summary>One violation of the rules of the data plane a method, and a few methods without any.</summary>
internal static unsafe class Violations
{
    private static int s_number;
    private static object? s_object;

    [ThreadStatic]
    private static int t_number;

    /// <summary>Takes the addresses, so that the compiler keeps the methods and inlines none of them.</summary>
    [UnmanagedCallersOnly(EntryPoint = "planted_start")]
    public static void Start(void** table)
    {
        s_object = new Holder();
        Native.Table = (NativeTable*)table;
        Native.Table->Allowed = (delegate*<nint, int>)table[2];
        Native.Table->Forbidden = (delegate*<nint, int>)table[3];
        *table++ = (delegate*<int, object>)&Allocates;
        *table++ = (delegate*<int, object>)&Boxes;
        *table++ = (delegate*<int>)&PollsAfterPInvoke;
        *table++ = (delegate*<int>)&TransitsByPInvoke;
        *table++ = (delegate*<int>)&PollsAfterLookup;
        *table++ = (delegate*<int>)&TransitsAfterLookup;
        *table++ = (delegate*<nint, int>)&TransitsByPointer;
        *table++ = (delegate*<int>)&ReadsThreadStatic;
        *table++ = (delegate*<object?>)&ReadsReference;
        *table++ = (delegate*<int>)&NeedsConstructor;
        *table++ = (delegate*<Large*, Large*, void>)&CopiesLarge;
        *table++ = (delegate*<Large*, void>)&ClearsLarge;
        *table++ = (delegate*<int, int>)&CallsUnmarked;
        *table++ = (delegate*<ulong, int>)&CountsBits;
        *table++ = (delegate*<int, int>)&CallsUnmarkedLast;
        *table++ = (delegate*<int, int>)&CallsThrower;
        *table++ = (delegate* unmanaged<int, int>)&Entered;
        *table++ = (delegate*<nint>)&TakesUnmarkedAddress;
        *table++ = (delegate*<Action, void>)&CallsDelegate;
        *table++ = (delegate*<object, int>)&CallsVirtual;
        *table++ = (delegate*<IComparable, int>)&CallsInterface;
        *table++ = (delegate*<nint, void>)&CallsPointer;
        *table++ = (delegate*<int, void>)&Throws;
        *table++ = (delegate*<int[], int, int>)&ChecksRange;
        *table++ = (delegate*<object, object, void>)&StoresReference;
        *table++ = (delegate*<object, string>)&Casts;
        *table++ = (delegate*<string>)&LoadsString;
        *table++ = (delegate*<object, void>)&Locks;
        *table++ = (delegate*<int, int>)&ReservesStack;
        *table++ = (delegate*<int, int>)&JumpsByTable;
        *table++ = (delegate*<nint, int>)&CallsOtherSlot;
        *table++ = (delegate*<nint, nint, int>)&CallsSlotOrPointer;
        *table++ = (delegate*<nint, int>)&CleanTableCaller;
        *table++ = (delegate*<int*, int>)&Clean;
        *table++ = (delegate*<int*, void>)&CleanCaller;
    }

    [NoInstr]
    public static object Allocates(int count) => new byte[count];

    [NoInstr]
    public static object Boxes(int value) => value;

    [NoInstr]
    public static int PollsAfterPInvoke() => GetppidFast();

    [NoInstr]
    public static int TransitsByPInvoke() => Getppid();

    [NoInstr]
    public static int TransitsByPointer(nint function) => ((delegate* unmanaged<int>)function)();

    [NoInstr]
    public static int ReadsThreadStatic() => t_number++;

    [NoInstr]
    public static object? ReadsReference() => s_object;

    [NoInstr]
    public static int NeedsConstructor() => Constructed.Number;

    [NoInstr]
    public static void CopiesLarge(Large* to, Large* from) => *to = *from;

    [NoInstr]
    public static void ClearsLarge(Large* to) => *to = default;

    [NoInstr]
    public static int CallsUnmarked(int value) => Unmarked(value) + 1;

    /// <summary>Of the library, and not one instruction on every CPU.</summary>
    [NoInstr]
    public static int CountsBits(ulong value) => BitOperations.PopCount(value);

    [NoInstr]
    public static int CallsUnmarkedLast(int value) => Unmarked(value);

    [NoInstr]
    public static int CallsThrower(int value) => UnmarkedThrower(value) + 1;

    [NoInstr]
    [UnmanagedCallersOnly]
    public static int Entered(int value) => value;

    [NoInstr]
    public static nint TakesUnmarkedAddress() => (nint)(delegate*<int, int>)&Unmarked;

    [NoInstr]
    public static void CallsDelegate(Action action) => action();

    [NoInstr]
    public static int CallsVirtual(object value) => value.GetHashCode();

    [NoInstr]
    public static int CallsInterface(IComparable value) => value.CompareTo(null);

    [NoInstr]
    public static void CallsPointer(nint function) => ((delegate*<void>)function)();

    [NoInstr]
    public static void Throws(int value)
    {
        if (value != 0)
        {
            throw new InvalidOperationException();
        }
    }

    [NoInstr]
    public static int ChecksRange(int[] values, int index) => values[index];

    [NoInstr]
    public static void StoresReference(object to, object value) => Unsafe.As<Holder>(to).Value = value;

    [NoInstr]
    public static string Casts(object value) => (string)value;

    [NoInstr]
    public static string LoadsString() => "text";

    [NoInstr]
    public static void Locks(object value) => Monitor.Enter(value);

    [NoInstr]
    public static int ReservesStack(int index)
    {
        byte* bytes = stackalloc byte[64 * 1024];
        bytes[index] = 1;
        return bytes[index / 2];
    }

    [NoInstr]
    public static int JumpsByTable(int value)
    {
        switch (value)
        {
            case 0: s_number = 3; return 8;
            case 1: s_number += 7; return 1;
            case 2: s_number *= 9; return 6;
            case 3: s_number -= 2; return 3;
            case 4: s_number ^= 5; return 2;
            case 5: s_number |= 4; return 9;
            case 6: s_number &= 6; return 4;
            default: return 0;
        }
    }

    [NoInstr]
    public static int CallsOtherSlot(nint argument) => Native.Table->Forbidden(argument);

    [NoInstr]
    public static int CallsSlotOrPointer(nint function, nint argument)
    {
        delegate*<nint, int> either = argument == 0 ? Native.Table->Allowed : (delegate*<nint, int>)function;
        return either(argument);
    }

    [NoInstr]
    public static int CleanTableCaller(nint argument) => Native.Table->Allowed(argument) + Native.Table->Allowed(argument + 1);

    [NoInstr]
    public static int Clean(int* word)
    {
        while (Volatile.Read(ref *word) == 0)
        {
            Interlocked.Increment(ref *word);
        }

        return s_number++;
    }

    [NoInstr]
    public static void CleanCaller(int* word)
    {
        CleanCallee(word);
        CleanCallee(word + 1);
    }

    [NoInstr]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CleanCallee(int* word) => Interlocked.Decrement(ref *word);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Unmarked(int value) => value ^ s_number;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int UnmarkedThrower(int value) => value > 0 ? value : throw new InvalidOperationException();

    [DllImport("libc", EntryPoint = "getppid")]
    [SuppressGCTransition]
    private static extern int GetppidFast();

    [DllImport("libc", EntryPoint = "getppid")]
    private static extern int Getppid();

    // Looked up at the first call. The compiler makes a method of each, which is marked with it.
    [NoInstr]
    [DllImport("elsewhere")]
    [SuppressGCTransition]
    private static extern int PollsAfterLookup();

    [NoInstr]
    [DllImport("elsewhere")]
    private static extern int TransitsAfterLookup();

    internal struct NativeTable
    {
        public delegate*<nint, int> Allowed;
        public delegate*<nint, int> Forbidden;
    }

    internal struct Large
    {
        public fixed byte Bytes[4096];
    }

    private static class Native
    {
        public static NativeTable* Table;
    }

    private static class Constructed
    {
        public static readonly int Number;

        static Constructed() => Number = Environment.TickCount;
    }

    private sealed class Holder
    {
        public object? Value;
    }
}
