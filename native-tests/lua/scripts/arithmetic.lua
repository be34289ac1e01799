-- SPDX-License-Identifier: MIT
-- Integers, floats, the borders between them, bits, and numbers read from and written to text.

local maxint, minint = math.maxinteger, math.mininteger

assert(maxint + 1 == minint and minint - 1 == maxint)
assert(maxint * 2 == -2 and minint * minint == 0)
assert(minint // -1 == minint and minint % -1 == 0)
assert(1 // 0.0 == math.huge and -1 // 0.0 == -math.huge)
assert(0.0 / 0.0 ~= 0.0 / 0.0)
assert(-7 // 2 == -4 and -7 % 2 == 1 and 7 // -2 == -4 and 7 % -2 == -1)
assert(-7.5 // 2 == -4.0 and -7.5 % 2 == 0.5 and 5.3 % math.huge == 5.3)
assert(2 ^ 53 == 2 ^ 53 + 1 and 1 << 53 ~= (1 << 53) + 1)
assert(maxint + 0.0 == 2 ^ 63 and maxint < maxint + 0.0 and minint == minint + 0.0)
assert(math.type(3) == "integer" and math.type(3.0) == "float" and not math.type("3"))
assert(3 == 3.0 and math.tointeger(3.0) == 3 and not math.tointeger(3.5))
assert(1 << 63 == minint and 1 << 64 == 0 and 1 << -1 == 0 and -1 >> 1 == maxint)
assert(~0 == -1 and 0xf0 ~ 0xff == 0x0f and 0xf0 & 0x3c == 0x30 and 0xf0 | 0x0f == 0xff)
assert("10" + 5 == 15 and "0x10" * "2" == 32 and "1e1" + 0 == 10.0)
assert(tonumber("  0x1p4  ") == 16.0 and tonumber("1e") == nil and tonumber("z", 36) == 35)
assert(tonumber("7fffffffffffffff", 16) == maxint and tonumber("8", 8) == nil)
assert(math.ult(1, -1) and not math.ult(-1, 1) and math.abs(minint) == minint)
assert(math.fmod(-7, 2) == -1 and math.fmod(7, -2) == 1)
assert(not pcall(function() return 1 // 0 end) and not pcall(function() return 1 % 0 end))
assert(not pcall(function() return 1.5 | 1 end) and not pcall(math.tointeger))

for _, text in ipairs { "0", "-0.0", "1e308", "5e-324", "0x.8p1", "9223372036854775807",
			"9223372036854775808", "-9223372036854775808", "0xffffffffffffffffff", "1e400" } do
	local number = tonumber(text)
	print(text, number, math.type(number), ("%.14g"):format(number))
end

-- Floor division and modulo belong together, for every pair of signs and kinds.
local values, checked = { 1, 2, 3, 7, 10, 63, 64, 1000003, maxint, 0.5, 1.25, 3.75, 1e10 }, 0
for _, a in ipairs(values) do
	for _, b in ipairs(values) do
		for _, x in ipairs { a, -a } do
			for _, y in ipairs { b, -b } do
				local q, r = x // y, x % y
				if math.type(q) == "integer" then
					assert(q * y + r == x)
				end
				assert(r == 0 or (r < 0) == (y < 0))
				checked = checked + 1
			end
		end
	end
end
print("division", checked)

-- A generator of our own: the same numbers everywhere.
local state = 88172645463325252
local function random()
	state = state ~ state << 13
	state = state ~ state >> 7
	state = state ~ state << 17
	return state
end

local sum, bits, text = 0, 0, {}
for i = 1, 60000 do
	local x = random()
	sum = sum * 31 + x // (i % 1000 + 1) - x % 97
	while x ~= 0 do
		x = x & x - 1
		bits = bits + 1
	end
	if i % 6000 == 0 then
		text[#text + 1] = ("%d %x %.17g"):format(sum, sum, sum / 3)
	end
end
print("bits", bits)
print(table.concat(text, "\n"))

local float = 0.0
for i = 1, 100000 do
	float = float + math.sin(i) * math.sqrt(i) / math.log(i + 1) - i ^ 0.25 % 1
	assert(tonumber(("%.17g"):format(float)) == float)
end
print("float", ("%a"):format(float), float)

math.randomseed(42)
local first = { math.random(0), math.random(100), math.random(-5, 5), math.random() }
math.randomseed(42)
assert(math.random(0) == first[1] and math.random(100) == first[2])
print("random", table.unpack(first))
