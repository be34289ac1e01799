-- SPDX-License-Identifier: MIT
-- Pattern matching: find, match, gmatch, gsub, captures, frontiers, balance, and its errors.

local function show(...)
	local t = table.pack(...)
	for i = 1, t.n do
		t[i] = tostring(t[i])
	end
	print(table.concat(t, "|"))
end

show(("alo alo"):find("l"))
show(("alo alo"):find("lo", 4))
show(("a.b"):find(".", 1, true))
show((""):find(""), ("alo"):find("", 4), ("alo"):find("", 5))
show(("  key = value  "):match("^%s*(%S+)%s*=%s*(.-)%s*$"))
show(("2024-02-30T12:34"):match("(%d+)-(%d+)-(%d+)T(%d+):(%d+)"))
show(("aaab"):match("^a*"), ("aaab"):match("^a-b"), ("aaab"):match("a?b"), ("b"):match("a+"))
show(("f(a(b)c)d)"):match("%b()"), ("THE (quick) fox"):find("%f[%a]%a+%f[%A]"))
show(("hello world"):gsub("o", "0", 1))
show(("hello world"):gsub("(%w+) (%w+)", "%2 %1 %0 %%"))
show(("abc"):gsub("", "-"))
show(("$name is $age"):gsub("%$(%w+)", { name = "Lua", age = 30 }))
show(("abc"):gsub("%w", function(c) return c ~= "b" and c:upper() or nil end))
show(("x^2+y^2"):gsub("[%^%+]", "%%%0"))
show(("one;two;;four"):gsub(";;", ";nil;"))
show(("\0a\0b"):gsub("%z", "0"), ("]"):match("[]]"), ("-"):match("[a-]"), ("^"):match("[x^]"))
show(("()()"):match("()%(()"), ("0123456789"):match("(((%d)%d)%d)"))
show(("aa bb cc xx"):match("(%a)%1 (%a)%2 .-(x)%3"))
for _, bad in ipairs { "%", "[a", "(a", "a)", "%1", "%b", "%f", "(()" } do
	show(bad, pcall(string.find, "a", bad))
end
show(pcall(string.gsub, "x", "x", "%9"))
show(pcall(string.rep, "x"))
show(pcall(string.match, ("x"):rep(300000), ("x?"):rep(300000)))

-- A tokenizer and a calculator on top of it: many small matches.
local function calculate(text)
	local position = 1
	local function token(pattern)
		local s, e, capture = text:find("^%s*(" .. pattern .. ")", position)
		if s then
			position = e + 1
		end
		return capture
	end
	local sum
	local function atom()
		if token("%(") then
			local value = sum()
			assert(token("%)"))
			return value
		end
		return math.tointeger(token("%-?%d+"))
	end
	local function product()
		local value = atom()
		while true do
			local operator = token("[*/%%]")
			if operator == "*" then
				value = value * atom()
			elseif operator == "/" then
				value = value // atom()
			elseif operator then
				value = value % atom()
			else
				return value
			end
		end
	end
	function sum()
		local value = product()
		while true do
			local operator = token("[+-]")
			if operator == "+" then
				value = value + product()
			elseif operator then
				value = value - product()
			else
				return value
			end
		end
	end
	return sum()
end

local total = 0
for i = 1, 4000 do
	local text = ("(%d + 2 * %d) * (%d - 7) / %d %% 1000 - -%d"):format(i, i * 3, i % 91, i % 5 + 1, i)
	local value = calculate(text)
	assert(value == load("return " .. text:gsub("/", "//"))())
	total = total + value
end
print("total", total)

local words = {}
for i = 1, 3000 do
	words[i] = ("w%d_%s"):format(i % 100, ("xyz"):sub(i % 3 + 1))
end
local text = table.concat(words, " ")
local seen, order = {}, {}
for word, digits in text:gmatch("(w(%d+)_%a+)") do
	if not seen[word] then
		seen[word] = 0
		order[#order + 1] = word
	end
	seen[word] = seen[word] + #digits
end
table.sort(order)
print("words", #order, order[1], seen[order[1]], order[#order], #text:gsub("%f[%w]%w", string.upper))
for _, pattern in ipairs { "%d+", "_%a*", "%s", ".-z", "[^w%s]+", "w%d%d?_xyz" } do
	print(pattern, select(2, text:gsub(pattern, "")))
end
