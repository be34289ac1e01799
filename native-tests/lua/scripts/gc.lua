-- SPDX-License-Identifier: MIT
-- The collector in both modes: garbage, weak tables, ephemerons, finalizers, resurrection.

local function garbage(n)
	local keep = {}
	for i = 1, n do
		keep[i % 64 + 1] = { i, tostring(i), function() return i end, { {} } }
	end
	local sum = 0
	for i = 1, 64 do
		sum = sum + keep[i][1] + keep[i][3]() + #keep[i][2]
	end
	return sum
end

local function tree(depth)
	if depth == 0 then
		return {}
	end
	return { tree(depth - 1), tree(depth - 1) }
end

local function nodes(t)
	return t[1] and 1 + nodes(t[1]) + nodes(t[2]) or 1
end

local function count(t)
	local n = 0
	for _ in pairs(t) do
		n = n + 1
	end
	return n
end

for _, mode in ipairs { "generational", "incremental" } do
	collectgarbage(mode)
	print(mode, garbage(20000))
	for depth = 4, 12, 2 do
		print("tree", depth, nodes(tree(depth)))
	end

	local keys, values = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "v" })
	local held = {}
	for i = 1, 1000 do
		local key, value = {}, {}
		keys[key], values[i] = i, value
		if i % 10 == 0 then
			held[#held + 1] = key
			held[#held + 1] = value
		end
	end
	values[2000], values[2001] = "strings are values", 17
	collectgarbage()
	print("weak", count(keys), count(values), #held)

	-- The value refers to its own key: an ephemeron must not keep itself alive.
	local ephemerons, last = setmetatable({}, { __mode = "k" }), nil
	for i = 1, 500 do
		local key = {}
		ephemerons[key] = { key, last }
		last = i % 100 == 0 and key or last
	end
	collectgarbage()
	print("ephemerons", count(ephemerons) >= 1, ephemerons[last][1] == last)
	last = nil
	collectgarbage()
	print("ephemerons", count(ephemerons))

	local finalized, risen = {}, {}
	do
		local function make(i)
			return setmetatable({ id = i }, { __gc = function(o)
				finalized[#finalized + 1] = o.id
				if o.id % 4 == 0 then
					risen[#risen + 1] = o
				end
			end })
		end
		local objects = {}
		for i = 1, 12 do
			objects[i] = make(i)
		end
		objects = nil
	end
	collectgarbage()
	print("finalized", table.concat(finalized, " "), #risen, risen[1].id)
end

-- In small steps, so that barriers meet a collection in every phase.
collectgarbage("stop")
local ring, cycles = {}, 0
for i = 1, 30000 do
	ring[i % 100] = { previous = ring[(i - 1) % 100], text = "item " .. i }
	ring[i % 100].previous = i % 50 ~= 0 and ring[i % 100].previous or nil
	if i % 10 == 0 and collectgarbage("step", 0) then
		cycles = cycles + 1
	end
end
collectgarbage("restart")
local length, item = 0, ring[29999 % 100]
while item do
	length, item = length + 1, item.previous
end
print("steps", length, ring[42].text, collectgarbage("isrunning"))
collectgarbage()
local before = collectgarbage("count")
garbage(3000)
collectgarbage()
print("no growth", collectgarbage("count") - before < 16)
