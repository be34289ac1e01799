-- SPDX-License-Identifier: MIT
-- Metatables: operators, inheritance, proxies, comparison, calls, names in error messages.

local Complex = {}
Complex.__index = Complex
local function complex(re, im)
	return setmetatable({ re = re, im = im }, Complex)
end
Complex.__add = function(a, b) return complex(a.re + b.re, a.im + b.im) end
Complex.__sub = function(a, b) return complex(a.re - b.re, a.im - b.im) end
Complex.__mul = function(a, b)
	return complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)
end
Complex.__unm = function(a) return complex(-a.re, -a.im) end
Complex.__eq = function(a, b) return a.re == b.re and a.im == b.im end
Complex.__lt = function(a, b) return a:norm() < b:norm() end
Complex.__le = function(a, b) return a:norm() <= b:norm() end
Complex.__tostring = function(a) return ("%g%+gi"):format(a.re, a.im) end
Complex.__concat = function(a, b) return tostring(a) .. tostring(b) end
Complex.__len = function(a) return a:norm() end
Complex.__call = function(a, x) return a * complex(x, 0) end
function Complex:norm() return self.re * self.re + self.im * self.im end

local z, i = complex(1, 0), complex(0, 1)
for n = 1, 40000 do
	z = z * i + complex(n % 3, -(n % 2))
	if z > complex(1000, 0) then
		z = -z - complex(900, 3)
	end
end
print("complex", z, #z, z(2), z == z + complex(0, 0), z ~= i, i <= z, "<" .. z .. ">")

local events = {}
local everything = setmetatable({}, {})
for _, name in ipairs { "add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor",
			"shl", "shr", "concat" } do
	getmetatable(everything)["__" .. name] = function(a, b)
		events[#events + 1] = name .. (rawequal(a, everything) and "<" or ">")
		return 0
	end
end
local e = everything
local _ = e + 1, 1 + e, e - 1, e * 1, e / 1, e % 1, e ^ 1, e // 1, e & 1, e | 1, e ~ 1, e << 1
_ = e >> 1, e .. "x", "x" .. e, 1 << e, 2.5 * e
print(table.concat(events, " "))

-- A chain of classes, the method at its far end.
local function class(parent, name)
	local c = { name = name }
	c.__index = c
	return setmetatable(c, { __index = parent, __call = function(k, ...)
		local o = setmetatable({}, k)
		if k.init then
			o:init(...)
		end
		return o
	end })
end
local Base = class(nil, "Base")
function Base:init(v) self.v = v end
function Base:value() return self.v end
local chain = { Base }
for depth = 2, 20 do
	chain[depth] = class(chain[depth - 1], "Level" .. depth)
end
chain[10].value = function(self) return Base.value(self) * 2 end
local sum = 0
for round = 1, 2000 do
	for depth = 1, 20 do
		sum = sum + chain[depth](round):value()
	end
end
print("classes", sum, chain[20](1).name)

-- A proxy that records, a table with defaults, one that is read-only.
local reads, writes = 0, 0
local target = {}
local proxy = setmetatable({}, {
	__index = function(_, k) reads = reads + 1 return target[k] end,
	__newindex = function(_, k, v) writes = writes + 1 target[k] = v end,
	__len = function() return #target end,
	__pairs = function() return next, target, nil end,
})
for n = 1, 5000 do
	proxy[n] = (proxy[n - 1] or 0) + n
end
local entries = 0
for _ in pairs(proxy) do
	entries = entries + 1
end
print("proxy", reads, writes, #proxy, entries, proxy[5000], rawlen(proxy), rawget(proxy, 1))

local readonly = setmetatable({}, { __newindex = function(_, k) error("read-only " .. k, 0) end,
	__metatable = "locked", __name = "Thing" })
print(pcall(function() readonly.x = 1 end))
print(getmetatable(readonly), pcall(setmetatable, readonly, {}))
print(pcall(function() return {} < {} end))
print(pcall(function() return setmetatable({}, { __name = "My.Type" }) + 1 end))
print(pcall(function() local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x end))
print((tostring(setmetatable({}, { __name = "Named" })):gsub("0x%x+", "ADDRESS")))
assert(getmetatable("").__index == string and ("x").nothing == nil)
