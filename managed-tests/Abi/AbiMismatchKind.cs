namespace Ftrace.Tests.Abi;

/// <summary>In what the headers and the library can disagree.</summary>
internal enum AbiMismatchKind
{
    MissingExport,
    ExtraExport,
    ExportVersion,
    ExportKind,
    ExportSize,
    MissingInMap,
    ExtraInMap,
    MapNode,
    MissingGate,
    ExtraGate,
    MissingMethod,
    ExtraEntryPoint,
    ParameterCount,
    ParameterType,
    ReturnType,
    MissingType,
    MissingDeclaration,
    StructSize,
    MissingField,
    ExtraField,
    FieldOffset,
    FieldType,
    EnumSize,
    EnumValue,
    MissingEnumConstant,
    ExtraEnumConstant,
    MacroValue,
    MissingMacro,
}
