# SPDX-License-Identifier: MIT
#
# Reads a report of abidiff. Fails at the first line that says more than that these structures have new members at their
# end: the caller says how much of them there is, or the library makes them (docs/abi.md). A suppression of libabigail
# does not do: has_data_member_inserted_at also hides that other members have moved.
BEGIN {
	split("ftrace_stats ftrace_patch_opts ftrace_ops ftrace_graph_ops ftrace_tracing_opts ftrace_tracing_status " \
		"ftrace_symbol ftrace_site ftrace_graph_call", names)
	for (i in names)
		growing[names[i]] = 1
}

/^ *$/ || /summary: 0 [Rr]emoved,/ || /with some indirect sub-type change/ || /type.* unreachable from any public interface/ { next }
/\[C\] '(function|struct) / || /parameter [0-9]+ of type .* has sub-type changes:$/ || /in pointed to type 'function type/ { next }
/\[A\] / || /details were reported earlier/ || /changed, as (being )?reported( earlier)?$/ { next }
/in (pointed to|unqualified underlying) type '/ {
	name = $0
	gsub(/.*type '(const |struct )*|':$/, "", name)
	next
}
/type size changed from [0-9]+ to [0-9]+ \(in bits\)$/ && name in growing { end = $5 + 0; next }
/[0-9]+ data member insertions?:$/ { next }
/^ *'.*', at offset [0-9]+ \(in bits\)$/ && end && $(NF - 2) + 0 >= end { next }
/no data member changes? \([0-9]+ filtered\);$/ { next }

{
	sub(/^ */, "")
	print "not compatible: " $0
	exit 1
}
