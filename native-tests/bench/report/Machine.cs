namespace Ftrace.Bench;

/// <summary>What was measured on.</summary>
internal sealed record Machine(string Cpu, int Cpus, string Kernel, string Gcc, string Clang);
