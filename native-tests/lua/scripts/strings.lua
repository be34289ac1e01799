-- SPDX-License-Identifier: MIT
-- Strings: cutting, joining, formatting, packing, UTF-8, comparison, interning.

assert(("alo"):sub(2) == "lo" and ("alo"):sub(-2, -2) == "l" and ("alo"):sub(4) == "")
assert(("alo"):sub(math.mininteger, math.maxinteger) == "alo")
assert(#"\0\0\0" == 3 and "\0a" < "\0b" and "alo" < "alo\0" and "a\0a" > "a\0")
assert("\u{7fffffff}" == "\xfd\xbf\xbf\xbf\xbf\xbf" and "\z
	x" == "x")
assert(("x"):rep(0) == "" and ("ab"):rep(3, ",") == "ab,ab,ab" and ("x"):rep(-1) == "")
assert(("abc"):byte(-1) == 99 and select("#", ("abc"):byte(1, -1)) == 3)
assert(string.char(104, 105) == "hi" and ("hi"):reverse():upper() == "IH")
assert(tostring(-1203) == "-1203" and tostring(1203.125) == "1203.125" and tostring(-0.0) == "-0.0")
assert(("%q"):format("a\n\0b\"\\") == '"a\\\n\\0b\\"\\\\"')
assert(("%5s|%-5s|%.2s|%%"):format("ab", "ab", "abc") == "   ab|ab   |ab|%")
assert(("%+d %05d %x %X %o"):format(7, 42, 255, 255, 8) == "+7 00042 ff FF 10")
assert(load("return " .. ("%q"):format(math.pi))() == math.pi)
assert(load("return " .. ("%q"):format(math.mininteger))() == math.mininteger)
assert(not pcall(string.format, "%d", 1.5) and not pcall(string.rep, "x", 1 << 60))
assert(table.concat({ 1, 2.5, "x" }, "-") == "1-2.5-x" and table.concat({}, "x") == "")
assert(not pcall(table.concat, { 1, {}, 3 }))

for _, format in ipairs { "<i4", ">i4", "<i7", "<d", ">f", "z", "s2", "<!8 b Xi8 i8" } do
	local value = format:find("[zs]") and "some text" or 19
	local packed = format:find("X") and format:pack(value, value) or format:pack(value)
	assert(format:unpack(packed) == value)
	print(format, #packed, (packed:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
end

local codes = { 0, 0x24, 0x7f, 0x80, 0xa2, 0x7ff, 0x800, 0x20ac, 0xffff, 0x10000, 0x10ffff }
local encoded = utf8.char(table.unpack(codes))
assert(utf8.len(encoded) == #codes and utf8.len("\xff") == nil)
for i, code in ipairs(codes) do
	assert(utf8.codepoint(encoded, utf8.offset(encoded, i)) == code)
end
for position, code in utf8.codes(encoded) do
	io.write(position, ":", code, " ")
end
print(#encoded)

-- Short strings are interned, long ones are not: both must compare by content.
for _, length in ipairs { 1, 39, 40, 41, 1000 } do
	local a = ("k"):rep(length)
	local b = table.concat { a:sub(1, length // 2), a:sub(length // 2 + 1) }
	local t = { [a] = length }
	assert(a == b and t[b] == length and rawequal(a, b) and a .. "x" ~= b .. "y")
end

local total = 0
for round = 1, 100 do
	local buffer = ""
	for i = 1, 200 do
		buffer = buffer .. i .. ";"
	end
	local pieces = {}
	for position = 1, #buffer, 7 do
		pieces[#pieces + 1] = buffer:sub(position, position + 6):reverse()
	end
	local joined = table.concat(pieces, round % 2 == 0 and "," or "")
	for i = 1, #joined do
		total = (total * 33 + joined:byte(i)) & 0xffffffff
	end
	for i = 1, 400 do
		local text = ("%05d|%-6s|%8.3f|%x"):format(i, i, i / 7, i * round)
		assert(tonumber(text:sub(1, 5)) == i and #text >= 22)
		total = total + #text
	end
end
print("total", total)
