# SPDX-License-Identifier: MIT
# Lines "has M memory, D descriptors, T threads, N mappings", in the order of time: M in KB. Prints what grows, and ends with 1 then.
#
# awk -v memory=KB -v descriptors=N -v threads=N -v mappings=N -f growth.awk: by how much each may grow.
#
# The first quarter is what a process needs to begin with. Of the rest, something grows if it was always more in the last third than
# ever in the first third. Fewer than 8 lines say nothing.
/^has / {
	for (i = 2; i < NF; i += 2) {
		name = $(i + 1)
		sub(/,/, "", name)
		value[name, count] = $i
	}
	count++
}

function range(name, from, to, i) {
	least = most = value[name, from]
	for (i = from + 1; i < to; i++) {
		least = value[name, i] < least ? value[name, i] : least
		most = value[name, i] > most ? value[name, i] : most
	}
}

function check(name, limit, first, third, before) {
	first = int(count / 4)
	third = int((count - first) / 3)
	range(name, first, first + third)
	before = most
	range(name, count - third, count)
	if (least > before + limit) {
		printf "%s grows: at most %d, later at least %d\n", name, before, least
		grows = 1
	}
}

END {
	if (count >= 8) {
		check("memory", memory)
		check("descriptors", descriptors)
		check("threads", threads)
		check("mappings", mappings)
	}
	exit grows
}
