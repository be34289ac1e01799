-- SPDX-License-Identifier: MIT
-- The long one: processor time spent in the interpreter's loop, tables, strings and the collector.

local function queens(n)
	local columns, up, down, found = {}, {}, {}, 0
	local function place(row)
		if row > n then
			found = found + 1
			return
		end
		for column = 1, n do
			local u, d = row + column, row - column + n
			if not (columns[column] or up[u] or down[d]) then
				columns[column], up[u], down[d] = true, true, true
				place(row + 1)
				columns[column], up[u], down[d] = nil, nil, nil
			end
		end
	end
	place(1)
	return found
end

local function fannkuch(n)
	local p, q, s, sign, maxflips, sum = {}, {}, {}, 1, 0, 0
	for i = 1, n do
		p[i], q[i], s[i] = i, i, i
	end
	while true do
		local q0 = p[1]
		if q0 ~= 1 then
			for i = 2, n do
				q[i] = p[i]
			end
			local flips = 1
			while true do
				local qq = q[q0]
				if qq == 1 then
					sum = sum + sign * flips
					maxflips = math.max(maxflips, flips)
					break
				end
				q[q0] = q0
				if q0 >= 4 then
					local i, j = 2, q0 - 1
					repeat
						q[i], q[j] = q[j], q[i]
						i = i + 1
						j = j - 1
					until i >= j
				end
				q0 = qq
				flips = flips + 1
			end
		end
		if sign == 1 then
			p[1], p[2] = p[2], p[1]
			sign = -1
		else
			p[2], p[3] = p[3], p[2]
			sign = 1
			for i = 3, n do
				local sx = s[i]
				if sx ~= 1 then
					s[i] = sx - 1
					break
				end
				if i == n then
					return sum, maxflips
				end
				s[i] = i
				table.insert(p, i + 1, table.remove(p, 1))
			end
		end
	end
end

local function mandelbrot(size)
	local rows = {}
	for y = 0, size - 1 do
		local row = {}
		for x = 0, size - 1 do
			local cr, ci = 3.0 * x / size - 2.0, 2.0 * y / size - 1.0
			local zr, zi, n = 0.0, 0.0, 0
			while n < 60 and zr * zr + zi * zi < 4.0 do
				zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
				n = n + 1
			end
			row[#row + 1] = string.char(33 + n)
		end
		rows[#rows + 1] = table.concat(row)
	end
	return rows
end

local function matrix(n)
	local function fill(seed)
		local m = {}
		for i = 1, n do
			m[i] = {}
			for j = 1, n do
				m[i][j] = (i * seed + j * j) % 17 - 8 + i / (j + seed)
			end
		end
		return m
	end
	local a, b, trace = fill(3), fill(5), 0.0
	for i = 1, n do
		for j = 1, n do
			local sum = 0.0
			for k = 1, n do
				sum = sum + a[i][k] * b[k][j]
			end
			if i == j then
				trace = trace + sum
			end
		end
	end
	return trace
end

local function checksum(text)
	local a, b = 1, 0
	for i = 1, #text do
		a = (a + text:byte(i)) % 65521
		b = (b + a) % 65521
	end
	return b << 16 | a
end

local function words(n)
	local parts, count = {}, {}
	for i = 1, n do
		parts[i] = ("%x-%s"):format(i * 2654435761 & 0xffff, ("ab"):rep(i % 7))
	end
	local text = table.concat(parts, " ")
	for word in text:gmatch("%x+") do
		count[word] = (count[word] or 0) + 1
	end
	local distinct, most = 0, 0
	for _, n in pairs(count) do
		distinct = distinct + 1
		most = math.max(most, n)
	end
	return #text, checksum(text:upper():reverse()), distinct, most
end

for n = 4, 9 do
	print("queens", n, queens(n))
end
for n = 5, 9 do
	print("fannkuch", n, fannkuch(n))
end
local picture = mandelbrot(160)
for y = 1, #picture, 20 do
	print("mandelbrot", picture[y])
end
print("mandelbrot", checksum(table.concat(picture)))
for n = 10, 130, 40 do
	print("matrix", n, ("%.17g"):format(matrix(n)))
end
for n = 10000, 30000, 10000 do
	print("words", n, words(n))
end
