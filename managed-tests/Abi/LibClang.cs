using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Ftrace.Tests.Abi;

/// <summary>
/// Reads C headers with libclang. This file holds all of the interop with its C API, and hands out nothing of
/// it, so that bindings from a package can take its place.
/// </summary>
internal sealed unsafe class LibClang
{
    /// <summary>What to do when there is none.</summary>
    public const string Remedies = "install the package libclang1-14, or run ./build.sh test with a network, which gets one from NuGet";

    private const int Newest = 40;
    private const int Oldest = 14;

    private const int StaticStorage = 3; // CX_SC_Static

    private readonly delegate* unmanaged<int, int, void*> _createIndex;
    private readonly delegate* unmanaged<uint, void> _toggleCrashRecovery;
    private readonly delegate* unmanaged<void*, void> _disposeIndex;
    private readonly delegate* unmanaged<void*, byte*, byte**, int, UnsavedFile*, uint, uint, void**, int> _parseTranslationUnit;
    private readonly delegate* unmanaged<void*, void> _disposeTranslationUnit;
    private readonly delegate* unmanaged<void*, uint> _getNumDiagnostics;
    private readonly delegate* unmanaged<void*, uint, void*> _getDiagnostic;
    private readonly delegate* unmanaged<void*, int> _getDiagnosticSeverity;
    private readonly delegate* unmanaged<void*, uint, ClangString> _formatDiagnostic;
    private readonly delegate* unmanaged<void*, void> _disposeDiagnostic;
    private readonly delegate* unmanaged<void*, Cursor> _getTranslationUnitCursor;
    private readonly delegate* unmanaged<Cursor, delegate* unmanaged<Cursor, Cursor, void*, int>, void*, uint> _visitChildren;
    private readonly delegate* unmanaged<Cursor, ClangString> _getCursorSpelling;
    private readonly delegate* unmanaged<Cursor, SourceLocation> _getCursorLocation;
    private readonly delegate* unmanaged<Cursor, SourceRange> _getCursorExtent;
    private readonly delegate* unmanaged<Cursor, uint> _isCursorDefinition;
    private readonly delegate* unmanaged<Cursor, uint> _isMacroFunctionLike;
    private readonly delegate* unmanaged<Cursor, int> _getStorageClass;
    private readonly delegate* unmanaged<Cursor, int> _getTlsKind;
    private readonly delegate* unmanaged<Cursor, uint> _isBitField;
    private readonly delegate* unmanaged<Cursor, long> _getOffsetOfField;
    private readonly delegate* unmanaged<Cursor, long> _getEnumConstantValue;
    private readonly delegate* unmanaged<Cursor, int> _getNumArguments;
    private readonly delegate* unmanaged<Cursor, uint, Cursor> _getArgument;
    private readonly delegate* unmanaged<SourceLocation, void**, uint*, uint*, uint*, void> _getExpansionLocation;
    private readonly delegate* unmanaged<void*, ClangString> _getFileName;
    private readonly delegate* unmanaged<Cursor, ClangType> _getCursorType;
    private readonly delegate* unmanaged<ClangType, ClangString> _getTypeSpelling;
    private readonly delegate* unmanaged<ClangType, ClangType> _getCanonicalType;
    private readonly delegate* unmanaged<ClangType, ClangType> _getNamedType;
    private readonly delegate* unmanaged<ClangType, ClangString> _getTypedefName;
    private readonly delegate* unmanaged<ClangType, Cursor> _getTypeDeclaration;
    private readonly delegate* unmanaged<Cursor, ClangType> _getTypedefUnderlyingType;
    private readonly delegate* unmanaged<ClangType, ClangType> _getPointeeType;
    private readonly delegate* unmanaged<ClangType, ClangType> _getResultType;
    private readonly delegate* unmanaged<ClangType, uint> _isVariadic;
    private readonly delegate* unmanaged<ClangType, ClangType> _getArrayElementType;
    private readonly delegate* unmanaged<ClangType, long> _getArraySize;
    private readonly delegate* unmanaged<ClangType, long> _getSizeOf;
    private readonly delegate* unmanaged<void*, SourceRange, Token**, uint*, void> _tokenize;
    private readonly delegate* unmanaged<void*, Token, ClangString> _getTokenSpelling;
    private readonly delegate* unmanaged<void*, Token*, uint, void> _disposeTokens;
    private readonly delegate* unmanaged<ClangString, byte*> _getCString;
    private readonly delegate* unmanaged<ClangString, void> _disposeString;

    private LibClang(nint library, string name)
    {
        Name = name;
        _createIndex = (delegate* unmanaged<int, int, void*>)Export("clang_createIndex");
        _toggleCrashRecovery = (delegate* unmanaged<uint, void>)Export("clang_toggleCrashRecovery");
        _disposeIndex = (delegate* unmanaged<void*, void>)Export("clang_disposeIndex");
        _parseTranslationUnit = (delegate* unmanaged<void*, byte*, byte**, int, UnsavedFile*, uint, uint, void**, int>)Export("clang_parseTranslationUnit2");
        _disposeTranslationUnit = (delegate* unmanaged<void*, void>)Export("clang_disposeTranslationUnit");
        _getNumDiagnostics = (delegate* unmanaged<void*, uint>)Export("clang_getNumDiagnostics");
        _getDiagnostic = (delegate* unmanaged<void*, uint, void*>)Export("clang_getDiagnostic");
        _getDiagnosticSeverity = (delegate* unmanaged<void*, int>)Export("clang_getDiagnosticSeverity");
        _formatDiagnostic = (delegate* unmanaged<void*, uint, ClangString>)Export("clang_formatDiagnostic");
        _disposeDiagnostic = (delegate* unmanaged<void*, void>)Export("clang_disposeDiagnostic");
        _getTranslationUnitCursor = (delegate* unmanaged<void*, Cursor>)Export("clang_getTranslationUnitCursor");
        _visitChildren = (delegate* unmanaged<Cursor, delegate* unmanaged<Cursor, Cursor, void*, int>, void*, uint>)Export("clang_visitChildren");
        _getCursorSpelling = (delegate* unmanaged<Cursor, ClangString>)Export("clang_getCursorSpelling");
        _getCursorLocation = (delegate* unmanaged<Cursor, SourceLocation>)Export("clang_getCursorLocation");
        _getCursorExtent = (delegate* unmanaged<Cursor, SourceRange>)Export("clang_getCursorExtent");
        _isCursorDefinition = (delegate* unmanaged<Cursor, uint>)Export("clang_isCursorDefinition");
        _isMacroFunctionLike = (delegate* unmanaged<Cursor, uint>)Export("clang_Cursor_isMacroFunctionLike");
        _getStorageClass = (delegate* unmanaged<Cursor, int>)Export("clang_Cursor_getStorageClass");
        _getTlsKind = (delegate* unmanaged<Cursor, int>)Export("clang_getCursorTLSKind");
        _isBitField = (delegate* unmanaged<Cursor, uint>)Export("clang_Cursor_isBitField");
        _getOffsetOfField = (delegate* unmanaged<Cursor, long>)Export("clang_Cursor_getOffsetOfField");
        _getEnumConstantValue = (delegate* unmanaged<Cursor, long>)Export("clang_getEnumConstantDeclValue");
        _getNumArguments = (delegate* unmanaged<Cursor, int>)Export("clang_Cursor_getNumArguments");
        _getArgument = (delegate* unmanaged<Cursor, uint, Cursor>)Export("clang_Cursor_getArgument");
        _getExpansionLocation = (delegate* unmanaged<SourceLocation, void**, uint*, uint*, uint*, void>)Export("clang_getExpansionLocation");
        _getFileName = (delegate* unmanaged<void*, ClangString>)Export("clang_getFileName");
        _getCursorType = (delegate* unmanaged<Cursor, ClangType>)Export("clang_getCursorType");
        _getTypeSpelling = (delegate* unmanaged<ClangType, ClangString>)Export("clang_getTypeSpelling");
        _getCanonicalType = (delegate* unmanaged<ClangType, ClangType>)Export("clang_getCanonicalType");
        _getNamedType = (delegate* unmanaged<ClangType, ClangType>)Export("clang_Type_getNamedType");
        _getTypedefName = (delegate* unmanaged<ClangType, ClangString>)Export("clang_getTypedefName");
        _getTypeDeclaration = (delegate* unmanaged<ClangType, Cursor>)Export("clang_getTypeDeclaration");
        _getTypedefUnderlyingType = (delegate* unmanaged<Cursor, ClangType>)Export("clang_getTypedefDeclUnderlyingType");
        _getPointeeType = (delegate* unmanaged<ClangType, ClangType>)Export("clang_getPointeeType");
        _getResultType = (delegate* unmanaged<ClangType, ClangType>)Export("clang_getResultType");
        _isVariadic = (delegate* unmanaged<ClangType, uint>)Export("clang_isFunctionTypeVariadic");
        _getArrayElementType = (delegate* unmanaged<ClangType, ClangType>)Export("clang_getArrayElementType");
        _getArraySize = (delegate* unmanaged<ClangType, long>)Export("clang_getArraySize");
        _getSizeOf = (delegate* unmanaged<ClangType, long>)Export("clang_Type_getSizeOf");
        _tokenize = (delegate* unmanaged<void*, SourceRange, Token**, uint*, void>)Export("clang_tokenize");
        _getTokenSpelling = (delegate* unmanaged<void*, Token, ClangString>)Export("clang_getTokenSpelling");
        _disposeTokens = (delegate* unmanaged<void*, Token*, uint, void>)Export("clang_disposeTokens");
        _getCString = (delegate* unmanaged<ClangString, byte*>)Export("clang_getCString");
        _disposeString = (delegate* unmanaged<ClangString, void>)Export("clang_disposeString");

        void* Export(string function) => (void*)NativeLibrary.GetExport(library, function);
    }

    /// <summary>The library that was loaded.</summary>
    public string Name { get; }

    /// <returns>
    /// The newest libclang of the system, or the one from NuGet if it was fetched, or null. FTRACE_LIBCLANG=nuget
    /// passes the system over.
    /// </returns>
    public static LibClang? Load()
    {
        IEnumerable<string> names = Environment.GetEnvironmentVariable("FTRACE_LIBCLANG") == "nuget" ? [FromNuGet] : [.. FromSystem(), FromNuGet];
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
            {
                return new LibClang(library, name);
            }
        }

        return null;
    }

    private static string FromNuGet => typeof(LibClang).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "LibClang").Value!;

    private static IEnumerable<string> FromSystem()
    {
        for (int version = Newest; version >= Oldest; version--)
        {
            yield return $"libclang-{version}.so.1";
            yield return $"/usr/lib/llvm-{version}/lib/libclang.so.1";
        }
    }

    /// <summary>Reads headers as a GNU C11 program for x86-64 Linux sees them.</summary>
    /// <param name="root">The folder for <c>#include</c>; only what stands in files below it is returned.</param>
    /// <param name="headers">Files to include, relative to <paramref name="root"/>.</param>
    /// <param name="options">More options for the compiler.</param>
    /// <exception cref="InvalidDataException">The headers do not compile, or declare what this class cannot describe.</exception>
    public CHeaders Parse(string root, IEnumerable<string> headers, params string[] options)
    {
        var source = new StringBuilder();
        foreach (string header in headers)
        {
            source.AppendLine(CultureInfo.InvariantCulture, $"#include <{header}>");
        }

        // The compiler's own headers are another package; these two say all that is needed of them.
        DirectoryInfo standard = Directory.CreateTempSubdirectory("ftrace-abi-");
        try
        {
            File.WriteAllText(Path.Combine(standard.FullName, "stddef.h"), "typedef __SIZE_TYPE__ size_t;\n");
            File.WriteAllText(Path.Combine(standard.FullName, "stdint.h"), "typedef __UINTPTR_TYPE__ uintptr_t;\ntypedef __INTPTR_TYPE__ intptr_t;\ntypedef __UINT64_TYPE__ uint64_t;\ntypedef __INT64_TYPE__ int64_t;\ntypedef __UINT32_TYPE__ uint32_t;\ntypedef __INT32_TYPE__ int32_t;\n");
            return Parse(root, source.ToString(), ["-xc", "-std=gnu11", "--target=x86_64-linux-gnu", "-nostdinc", "-I" + standard.FullName, "-I" + root, .. options]);
        }
        finally
        {
            standard.Delete(true);
        }
    }

    private CHeaders Parse(string root, string source, string[] arguments)
    {
        const uint DetailedPreprocessingRecord = 1;
        byte** native = stackalloc byte*[arguments.Length];
        byte* file = Utf8("abi.c"), contents = Utf8(source);
        for (int i = 0; i < arguments.Length; i++)
        {
            native[i] = Utf8(arguments[i]);
        }

        void* index = _createIndex(0, 0);
        void* unit = null;
        try
        {
            // Creating an index takes SIGSEGV and others, which the runtime of these tests needs for itself.
            _toggleCrashRecovery(0);
            var unsaved = new UnsavedFile { Name = file, Contents = contents, Length = (ulong)Encoding.UTF8.GetByteCount(source) };
            int error = _parseTranslationUnit(index, file, native, arguments.Length, &unsaved, 1, DetailedPreprocessingRecord, &unit);
            if (error != 0)
            {
                throw new InvalidDataException($"libclang fails with error {error}");
            }

            ThrowOnErrors(unit);
            return Collect(unit, root);
        }
        finally
        {
            if (unit != null)
            {
                _disposeTranslationUnit(unit);
            }

            _disposeIndex(index);
            NativeMemory.Free(file);
            NativeMemory.Free(contents);
            for (int i = 0; i < arguments.Length; i++)
            {
                NativeMemory.Free(native[i]);
            }
        }
    }

    private void ThrowOnErrors(void* unit)
    {
        const int Error = 3;
        const uint WithLocation = 1;
        for (uint i = 0; i < _getNumDiagnostics(unit); i++)
        {
            void* diagnostic = _getDiagnostic(unit, i);
            string? text = _getDiagnosticSeverity(diagnostic) >= Error ? Text(_formatDiagnostic(diagnostic, WithLocation)) : null;
            _disposeDiagnostic(diagnostic);
            if (text != null)
            {
                throw new InvalidDataException(text);
            }
        }
    }

    private CHeaders Collect(void* unit, string root)
    {
        var headers = new CHeaders();
        foreach (Cursor cursor in Children(_getTranslationUnitCursor(unit)))
        {
            if (Where(cursor, root) is not { } where)
            {
                continue;
            }

            string name = Text(_getCursorSpelling(cursor));
            switch (cursor.Kind)
            {
                case CursorKind.Function:
                    headers.Functions.Add(Function(cursor, name, where));
                    break;
                case CursorKind.Variable when _getStorageClass(cursor) == StaticStorage:
                    break; // the program's own
                case CursorKind.Variable:
                    headers.Objects.Add(new CObject(name, Convert(_getCursorType(cursor)), _getTlsKind(cursor) != 0, where));
                    break;
                case CursorKind.Struct when _isCursorDefinition(cursor) != 0:
                    headers.Structs.Add(new CStruct(Tag(cursor, where), _getSizeOf(_getCursorType(cursor)), Fields(cursor, root), where));
                    break;
                case CursorKind.Enum when _isCursorDefinition(cursor) != 0:
                    headers.Enums.Add(new CEnum(Tag(cursor, where), _getSizeOf(_getCursorType(cursor)), EnumConstants(cursor, root), where));
                    break;
                case CursorKind.Union:
                    throw new InvalidDataException($"union {name} at {where}: unions are not described");
                case CursorKind.Macro when _isMacroFunctionLike(cursor) != 0:
                    break; // text for the compiler: the library has nothing that it could be compared with
                case CursorKind.Macro:
                    if (Macro(unit, cursor, name, where) is { } macro)
                    {
                        headers.Macros.Add(macro);
                    }

                    break;
            }
        }

        return headers;
    }

    private CFunction Function(Cursor cursor, string name, string where)
    {
        ClangType type = _getCursorType(cursor);
        var parameters = new List<CParameter>();
        for (uint i = 0; i < _getNumArguments(cursor); i++)
        {
            Cursor argument = _getArgument(cursor, i);
            parameters.Add(new CParameter(Text(_getCursorSpelling(argument)), Convert(_getCursorType(argument))));
        }

        if (_isVariadic(type) != 0)
        {
            // No C# type matches it: such a function is the native file's own.
            parameters.Add(new CParameter("", new CType(CTypeKind.Other, "...", 0)));
        }

        return new CFunction(name, Convert(_getResultType(type)), parameters, _getStorageClass(cursor) == StaticStorage, where);
    }

    private string Tag(Cursor cursor, string where)
    {
        // Newer libraries make a name up, with the place in parentheses.
        string tag = Text(_getCursorSpelling(cursor));
        return tag.Length != 0 && !tag.Contains('(') ? tag : throw new InvalidDataException($"a structure or enumeration without a tag at {where}");
    }

    private List<CField> Fields(Cursor cursor, string root)
    {
        var fields = new List<CField>();
        foreach (Cursor child in Children(cursor))
        {
            string name = Text(_getCursorSpelling(child)), where = Where(child, root) ?? "";
            switch (child.Kind)
            {
                case CursorKind.Field when _isBitField(child) == 0:
                    fields.Add(new CField(name, Convert(_getCursorType(child)), _getOffsetOfField(child) / 8, where));
                    break;
                case CursorKind.Field or CursorKind.Struct or CursorKind.Union or CursorKind.Enum:
                    throw new InvalidDataException($"{name} at {where}: bit fields and nested declarations are not described");
            }
        }

        return fields;
    }

    private List<CConstant> EnumConstants(Cursor cursor, string root)
    {
        var constants = new List<CConstant>();
        foreach (Cursor child in Children(cursor))
        {
            if (child.Kind == CursorKind.EnumConstant)
            {
                constants.Add(new CConstant(Text(_getCursorSpelling(child)), _getEnumConstantValue(child), Where(child, root) ?? ""));
            }
        }

        return constants;
    }

    /// <returns>Null for a macro without a text, as the guards against a second inclusion are.</returns>
    private CConstant? Macro(void* unit, Cursor cursor, string name, string where)
    {
        Token* tokens;
        uint count;
        _tokenize(unit, _getCursorExtent(cursor), &tokens, &count);
        var text = new StringBuilder();
        for (uint i = 1; i < count; i++)
        {
            text.Append(Text(_getTokenSpelling(unit, tokens[i])));
        }

        if (tokens != null)
        {
            _disposeTokens(unit, tokens, count);
        }

        return text.Length == 0 ? null : new CConstant(name, Integer(text.ToString()), where);
    }

    private static long? Integer(string text)
    {
        text = text.Trim('(', ')').TrimEnd('u', 'U', 'l', 'L');
        bool hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return long.TryParse(hex ? text[2..] : text, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : null;
    }

    private CType Convert(ClangType type)
    {
        string spelling = Text(_getTypeSpelling(type));
        while (type.Kind is TypeKind.Typedef or TypeKind.Elaborated)
        {
            if (type.Kind == TypeKind.Elaborated)
            {
                type = _getNamedType(type);
                continue;
            }

            if (Text(_getTypedefName(type)) == "size_t")
            {
                return new CType(CTypeKind.Size, spelling, _getSizeOf(type));
            }

            type = _getTypedefUnderlyingType(_getTypeDeclaration(type));
        }

        // Pointers and arrays stay as they are written: the canonical ones have forgotten size_t.
        if (type.Kind is not (TypeKind.Pointer or TypeKind.ConstantArray))
        {
            type = _getCanonicalType(type);
        }

        long size = Math.Max(0, _getSizeOf(type));
        return type.Kind switch
        {
            TypeKind.Void => new CType(CTypeKind.Void, spelling, 0),
            // A plain char is a byte of text; nothing here calculates with it.
            TypeKind.CharUnsigned or TypeKind.CharSigned or TypeKind.UnsignedChar => new CType(CTypeKind.Unsigned, spelling, size),
            TypeKind.UnsignedShort or TypeKind.UnsignedInt or TypeKind.UnsignedLong or TypeKind.UnsignedLongLong => new CType(CTypeKind.Unsigned, spelling, size),
            TypeKind.SignedChar or TypeKind.Short or TypeKind.Int or TypeKind.Long or TypeKind.LongLong => new CType(CTypeKind.Signed, spelling, size),
            TypeKind.Pointer => new CType(CTypeKind.Pointer, spelling, size, Element: Convert(_getPointeeType(type))),
            TypeKind.ConstantArray => new CType(CTypeKind.Array, spelling, size, Element: Convert(_getArrayElementType(type)), Length: _getArraySize(type)),
            TypeKind.FunctionPrototype or TypeKind.FunctionNoPrototype => new CType(CTypeKind.Function, spelling, 0),
            TypeKind.Record or TypeKind.Enum => Declared(_getTypeDeclaration(type), spelling, size),
            _ => new CType(CTypeKind.Other, spelling, size),
        };
    }

    private CType Declared(Cursor declaration, string spelling, long size)
    {
        CTypeKind kind = declaration.Kind switch
        {
            CursorKind.Struct => CTypeKind.Struct,
            CursorKind.Enum => CTypeKind.Enum,
            _ => CTypeKind.Other,
        };
        return new CType(kind, spelling, size, Text(_getCursorSpelling(declaration)));
    }

    /// <returns>File and line, or null outside of <paramref name="root"/>.</returns>
    private string? Where(Cursor cursor, string root)
    {
        void* file;
        uint line;
        _getExpansionLocation(_getCursorLocation(cursor), &file, &line, null, null);
        string path = file == null ? "" : Text(_getFileName(file));
        string prefix = root.TrimEnd('/') + "/";
        return path.StartsWith(prefix, StringComparison.Ordinal) ? $"{path[prefix.Length..]}:{line}" : null;
    }

    private List<Cursor> Children(Cursor cursor)
    {
        var children = new List<Cursor>();
        GCHandle handle = GCHandle.Alloc(children);
        try
        {
            _visitChildren(cursor, &Visit, (void*)GCHandle.ToIntPtr(handle));
        }
        finally
        {
            handle.Free();
        }

        return children;
    }

    [UnmanagedCallersOnly]
    private static int Visit(Cursor cursor, Cursor parent, void* children)
    {
        const int Continue = 1;
        ((List<Cursor>)GCHandle.FromIntPtr((nint)children).Target!).Add(cursor);
        return Continue;
    }

    private string Text(ClangString value)
    {
        string text = Marshal.PtrToStringUTF8((nint)_getCString(value)) ?? "";
        _disposeString(value);
        return text;
    }

    private static byte* Utf8(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        byte* copy = (byte*)NativeMemory.Alloc((nuint)length + 1);
        Encoding.UTF8.GetBytes(text, new Span<byte>(copy, length));
        copy[length] = 0;
        return copy;
    }

    private enum CursorKind
    {
        Struct = 2,
        Union = 3,
        Enum = 5,
        Field = 6,
        EnumConstant = 7,
        Function = 8,
        Variable = 9,
        Macro = 501,
    }

    private enum TypeKind
    {
        Void = 2,
        CharUnsigned = 4,
        UnsignedChar = 5,
        UnsignedShort = 8,
        UnsignedInt = 9,
        UnsignedLong = 10,
        UnsignedLongLong = 11,
        CharSigned = 13,
        SignedChar = 14,
        Short = 16,
        Int = 17,
        Long = 18,
        LongLong = 19,
        Pointer = 101,
        Record = 105,
        Enum = 106,
        Typedef = 107,
        FunctionNoPrototype = 110,
        FunctionPrototype = 111,
        ConstantArray = 112,
        Elaborated = 119,
    }

    // The structures of the C API, which are passed by value; only what is read has a name.
    [StructLayout(LayoutKind.Sequential)]
    private struct Cursor
    {
        public CursorKind Kind;
        private int _extra;
        private DataWords _data;
    }

    [InlineArray(3)]
    private struct DataWords
    {
        private nint _first;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ClangType
    {
        public TypeKind Kind;
        private nint _data0;
        private nint _data1;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ClangString
    {
        private nint _data;
        private uint _flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct SourceLocation
    {
        private nint _data0;
        private nint _data1;
        private uint _offset;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct SourceRange
    {
        private nint _data0;
        private nint _data1;
        private uint _begin;
        private uint _end;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Token
    {
        private uint _int0;
        private uint _int1;
        private uint _int2;
        private uint _int3;
        private nint _data;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct UnsavedFile
    {
        public byte* Name;
        public byte* Contents;
        public ulong Length;
    }
}
