-- SPDX-License-Identifier: MIT
-- Closures, upvalues shared and separate, varargs, tail calls, goto, to-be-closed variables.

local function counter(step)
	local n = 0
	return function() n = n + step return n end, function() return n end
end

local add, get = counter(3)
local other = counter(5)
for _ = 1, 10 do
	add()
	other()
end
assert(get() == 30 and other() == 55)

-- A fresh variable in each iteration; one that is shared by two closures.
local readers, writers = {}, {}
for i = 1, 20 do
	local v = i
	readers[i] = function() return v + i end
	writers[i] = function(x) v = x end
end
for i = 1, 20 do
	writers[i](i * 100)
end
local sum = 0
for i = 20, 1, -1 do
	sum = sum + readers[i]()
end
print("upvalues", sum)

local function compose(...)
	local functions = { ... }
	return function(...)
		local values = table.pack(...)
		for i = #functions, 1, -1 do
			values = table.pack(functions[i](table.unpack(values, 1, values.n)))
		end
		return table.unpack(values, 1, values.n)
	end
end

local swap = function(a, b, ...) return b, a, ... end
local count = function(...) return select("#", ...), ... end
print("compose", compose(count, swap, swap, count)(nil, 2, nil))
print("varargs", select("#", table.unpack({}, 1, 100)), (select(3, "a", "b", "c", "d")))

local function tail(n, accumulated)
	if n == 0 then
		return accumulated
	end
	return tail(n - 1, accumulated + n)
end
print("tail", tail(300000, 0))

local Y = function(f)
	return (function(x) return x(x) end)(function(x)
		return f(function(...) return x(x)(...) end)
	end)
end
local fib = Y(function(self)
	return function(n) return n < 2 and n or self(n - 1) + self(n - 2) end
end)
print("fib", fib(23))

local memo = {}
local function ackermann(m, n)
	local key = m << 20 | n
	local known = memo[key]
	if known then
		return known
	end
	local value
	if m == 0 then
		value = n + 1
	elseif n == 0 then
		value = ackermann(m - 1, 1)
	else
		value = ackermann(m - 1, ackermann(m, n - 1))
	end
	memo[key] = value
	return value
end
print("ackermann", ackermann(2, 30), ackermann(3, 5))

local steps = 0
for i = 1, 1000 do
	local n = i
	::again::
	if n ~= 1 then
		n = n % 2 == 0 and n // 2 or 3 * n + 1
		steps = steps + 1
		goto again
	end
end
print("collatz", steps)

local order = {}
local function closing(name)
	return setmetatable({}, { __close = function(_, e)
		order[#order + 1] = name .. (e and "!" or "")
	end })
end
do
	local _a <close> = closing("a")
	local _b <close> = closing("b")
	local limit <const> = 3
	order[#order + 1] = tostring(limit)
end
pcall(function()
	local _c <close> = closing("c")
	error("x")
end)
for _ in next, { 1 }, nil, closing("d") do
	order[#order + 1] = "loop"
end
print("close", table.concat(order, " "))

local chunks = 0
for i = 1, 2000 do
	local f = assert(load(("local a = ... ; return function(b) return a * b + %d end"):format(i)))
	chunks = chunks + f(i)(2)
	if i % 100 == 0 then
		local g = load(string.dump(f), "dumped", "b")
		assert(g(i)(2) == f(i)(2))
	end
end
print("chunks", chunks)
