using System;
using System.IO;
using CycloneDX;
using CycloneDX.Json;
using CycloneDX.Models;

// sbom FILE: the file follows the schema of CycloneDX. Exits with 1, and prints why, if it does not.
string text = File.ReadAllText(args[0]);
ValidationResult result = Validator.Validate(text, SpecificationVersion.v1_6);
foreach (string message in result.Messages)
{
    Console.Error.WriteLine(message);
}

return result.Valid ? 0 : 1;
