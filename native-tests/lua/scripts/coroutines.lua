-- SPDX-License-Identifier: MIT
-- Coroutines: generators, pipelines, yields across pcall, metamethods and sort, errors, closing.

local function generate(f, ...)
	local arguments = table.pack(...)
	return coroutine.wrap(function() f(table.unpack(arguments, 1, arguments.n)) end)
end

local function permutations(t, n)
	n = n or #t
	if n <= 1 then
		coroutine.yield(t)
	else
		for i = 1, n do
			t[n], t[i] = t[i], t[n]
			permutations(t, n - 1)
			t[n], t[i] = t[i], t[n]
		end
	end
end

local hash, found = 0, 0
for p in generate(permutations, { 1, 2, 3, 4, 5, 6, 7 }) do
	found = found + 1
	hash = (hash * 31 + p[1] * 7 + p[4]) & 0xffffffff
end
print("permutations", found, hash)

-- Primes by a chain of filters, each a coroutine.
local function numbers(n)
	return coroutine.wrap(function()
		for i = 2, n do
			coroutine.yield(i)
		end
	end)
end
local function filter(p, source)
	return coroutine.wrap(function()
		for n in source do
			if n % p ~= 0 then
				coroutine.yield(n)
			end
		end
	end)
end
local primes, source = {}, numbers(400)
for p in function() return source() end do
	primes[#primes + 1] = p
	source = filter(p, source)
end
print("primes", #primes, primes[#primes])

local log = {}
local co = coroutine.create(function(a, b)
	log[#log + 1] = ("start %d %d"):format(a, b)
	local ok, e = pcall(function()
		log[#log + 1] = "in " .. coroutine.yield(a + b)
		error({ code = 7 })
	end)
	log[#log + 1] = ("%s %d"):format(ok, e.code)
	local t = setmetatable({}, {
		__add = function(_, x) return coroutine.yield(x) end,
		__index = function(_, k) return coroutine.yield(k) end,
		__lt = function() return coroutine.yield("lt") end,
		__concat = function() return coroutine.yield("concat") end,
	})
	log[#log + 1] = ("%s %s %s %s"):format(t + 5, t.key, t < t, t .. "x")
	for i in function(_, i) return coroutine.yield(i) end, nil, "loop" do
		log[#log + 1] = i
	end
	return "end"
end)
local resumed = { coroutine.resume(co, 3, 4) }
for _, v in ipairs { "one", "two", "three", "four", "five", "six", "seven", "eight" } do
	if coroutine.status(co) == "dead" then
		break
	end
	resumed = { coroutine.resume(co, v) }
	log[#log + 1] = "-> " .. tostring(resumed[2])
end
print(table.concat(log, "; "))
resumed = { coroutine.resume(co) }
print(coroutine.status(co), table.unpack(resumed))

print(coroutine.resume(coroutine.create(function() error("plain", 0) end)))
print(pcall(coroutine.wrap(function() coroutine.yield(1) error(setmetatable({}, {
	__tostring = function() return "object" end })) end)))
print("yield across sort", coroutine.wrap(function()
	return pcall(table.sort, { 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end)
end)())
print(coroutine.isyieldable(), coroutine.wrap(coroutine.isyieldable)())

local closed = {}
local pending = coroutine.create(function()
	local _x <close> = setmetatable({}, { __close = function() closed[#closed + 1] = "x" end })
	coroutine.yield()
end)
coroutine.resume(pending)
print("close", coroutine.close(pending), coroutine.status(pending), table.concat(closed))

-- Recursion through many coroutines, deeper than the limit of nested C calls.
local function deep(n)
	if n == 0 then
		return 0
	end
	return 1 + coroutine.wrap(deep)(n - 1)
end
print("deep", deep(100), (pcall(deep, 10000)))

-- Thousands of short ones, for the collector.
local total = 0
for i = 1, 40000 do
	local c = coroutine.wrap(function(x)
		local y = coroutine.yield(x * 2)
		return x + y
	end)
	total = total + c(i)
	if i % 3 ~= 0 then
		total = total + c(1)
	end
end
print("total", total)
