namespace Ftrace.Tool.Dumps;

/// <summary>The formats of <c>ftrace dump</c>; each is a class of this name.</summary>
internal enum DumpFormat
{
    Perfetto,
    Chrome,
    Speedscope,
    Folded,
    Uftrace,
    Svg,
    Csv,
}
