-- SPDX-License-Identifier: MIT
-- table.sort and the other functions that move elements about.

local function sorted(t, less)
	less = less or function(a, b) return a < b end
	for i = #t, 2, -1 do
		if less(t[i], t[i - 1]) then
			return false
		end
	end
	return true
end

local state = 12345
local function random(n)
	state = (state * 1103515245 + 12345) & 0x7fffffff
	return (state >> 8) % n + 1
end

local function list(n, make)
	local t = {}
	for i = 1, n do
		t[i] = make(i)
	end
	return t
end

local function fold(t)
	local sum = 0
	for i = 1, #t do
		sum = (sum * 31 + (math.tointeger(t[i]) or #t[i])) & 0xffffffff
	end
	return sum
end

for _, n in ipairs { 0, 1, 2, 3, 10, 100, 1000, 15000 } do
	local random_order = list(n, function() return random(1000000) end)
	local few = list(n, function() return random(4) end)
	local rising = list(n, function(i) return i end)
	local falling = list(n, function(i) return n - i end)
	local strings = list(n, function() return ("%07d"):format(random(1000000)) end)
	for _, t in ipairs { random_order, few, rising, falling, strings } do
		local before = 0
		for i = 1, n do
			before = before + t[i]
		end
		table.sort(t)
		assert(sorted(t))
		for i = 1, n do
			before = before - t[i]
		end
		assert(before == 0)
	end
	print("sort", n, fold(random_order), fold(few), fold(strings))
	table.sort(random_order, function(a, b) return a > b end)
	assert(sorted(random_order, function(a, b) return a > b end))
end

-- An order that is a callback of a callback: by length, then by the text read backwards.
local names = list(2000, function(i) return ("%x"):format(i * 7919 % 4096):rep(i % 3 + 1) end)
local function order(a, b)
	if #a ~= #b then
		return #a < #b
	end
	return a:reverse() < b:reverse()
end
table.sort(names, order)
assert(sorted(names, order))
print(table.concat(names, " ", 1, 12))
print(table.concat(names, " ", #names - 5))

-- An order that contradicts itself may be reported, must not crash, and is the same each time.
print("invalid", pcall(table.sort, list(100, function(i) return i end), function() return true end))
print("mixed", pcall(table.sort, { 1, "x", 2 }))

-- Elements reached through metamethods.
local log = 0
local store = list(300, function() return random(1000) end)
local proxy = setmetatable({}, {
	__len = function() return #store end,
	__index = function(_, i) log = log + 1 return store[i] end,
	__newindex = function(_, i, v) log = log + 1 store[i] = v end,
})
table.sort(proxy)
assert(sorted(store))
print("proxy", log, fold(store))

local t = list(10, function(i) return i end)
table.insert(t, 1, 0)
table.insert(t, 11)
assert(table.remove(t, 1) == 0 and table.remove(t) == 11 and table.remove({}) == nil)
assert(not pcall(table.insert, t, 20, 1) and not pcall(table.insert, t))
table.move(t, 2, 10, 1)
table.move(t, 1, 5, 6, t)
print(table.concat(t, ","))
print(select("#", table.unpack({}, 1, 200)), select(-1, table.unpack(t)), table.pack(1, nil, 3).n)
