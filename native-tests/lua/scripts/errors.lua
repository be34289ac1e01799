-- SPDX-License-Identifier: MIT
-- Errors: pcall, xpcall, error objects, messages that name variables, overflows, syntax errors.

print(pcall(error))
print(pcall(error, "text", 0))
print(pcall(error, nil))
print(select("#", pcall(error, { 1, 2, 3 })), (select(2, pcall(error, { 1, 2, 3 })))[3])
print(pcall(function() error("here") end))
print(pcall(function() error("caller", 2) end))
print(pcall(function() local t = nil return t.x end))
print(pcall(function() local t = {} return t.x.y end))
print(pcall(function() return undefined_global() end))
print(pcall(function() return ("x"):nothing() end))
print(pcall(function() return 1 + {} end))
print(pcall(function() return "a" + 1 end))
print(pcall(function() return "a" .. {} end))
print(pcall(function() return #5 end))
print(pcall(function() return 1 < "2" end))
print(pcall(function() return 2 ^ 53 | 1.5 end))
print(pcall(function() for i = 1, 10, 0 do print(i) end end))
print(pcall(function() for i = "a", 10 do print(i) end end))
print(pcall(function() local t = {} t[nil] = 1 end))
print(pcall(function() local t = {} t[0 / 0] = 1 end))
print(pcall(next, {}, "nothing"))
print(pcall(setmetatable, 1, {}))
print(pcall(string.char, 256))
print(pcall(select, 0))
print(pcall(assert, false))
print(pcall(assert, nil, "message"))
print(pcall(ipairs))
print(xpcall(function() error("E") end, function(m) return "handled " .. m end))
print(xpcall(function(...) return select("#", ...) end, print, 1, nil, 3))
print(xpcall(error, function(m) error(m) end, "again"))
print((debug.traceback("trace", 1):gsub("\n%s*%[C%].*", "")))

for _, source in ipairs { "x =", "return return", "for i = 1 do end", "x = 'abc", "x = [[abc", "goto nowhere",
			  "break", "local x <const> = 1; x = 2", "local x <foo> = 1", "::a:: ::a::", "x = 0x",
			  "x = '\\q'", "x = '\\300'", "x = '\\u{110000000}'", "f(", "a.b:c = 1", "x = }" } do
	print(select(2, load(source, "=source")))
end

local function overflow(n)
	return 1 + overflow(n + 1)
end
local ok, message = pcall(overflow, 0)
print(ok, (message:gsub("\n.*", "")))
print(pcall(string.gsub, ("("):rep(40) .. "x", ("("):rep(40), ""))
print((select(2, load("return " .. ("("):rep(300) .. "1" .. (")"):rep(300), "=deep"))))
print((select(2, load("local " .. ("a,"):rep(250) .. "a", "=many"))))

-- Errors thrown through many frames of both languages, again and again.
local caught, depth_sum = 0, 0
local function nest(depth, limit)
	if depth == limit then
		error({ depth = depth })
	end
	local results = table.pack(pcall(function()
		table.sort({ 2, 1 }, function() nest(depth + 1, limit) end)
	end))
	caught = caught + 1
	depth_sum = depth_sum + results[2].depth
	error(results[2])
end
for round = 1, 1500 do
	local _, e = pcall(nest, 0, round % 12 + 1)
	assert(e.depth == round % 12 + 1)
end
print("nested", caught, depth_sum)

local strings = 0
for i = 1, 15000 do
	local _, m = pcall(error, "number " .. i, i % 2)
	strings = strings + #m
	_, m = xpcall(function() return i .. nil end, function(x) return x:sub(-9) end)
	strings = strings + #m
end
print("messages", strings)
