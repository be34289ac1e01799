#!/bin/sh
# SPDX-License-Identifier: MIT
#
# documents_planted.sh DOCUMENTS_SH PREFIX CC CXX BUILD_SH - documents.sh finds
# what is planted, one fault a document, and nothing in one that is as it should be.
set -eu

check=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# planted MESSAGE: the standard input as a document must fail, and say so
planted() {
	cat >"$dir/planted.md"
	if "$check" "$@" "$dir/planted.md" >"$dir/log" 2>&1; then
		echo "not found: $message" >&2
		exit 1
	fi
	grep -qF -e "planted.md:$message" "$dir/log" || {
		echo "another message than: $message" >&2
		cat "$dir/log" >&2
		exit 1
	}
}

message="1: wrong.c does not compile"
planted "$@" <<'END'
```c
/* wrong.c */
int main(void) { return nothing; }
```
END
message="1: one.c ends with 1"
planted "$@" <<'END'
```c
/* one.c */
int main(void) { return 1; }
```
END
message="1: the first line of the block must be a comment"
planted "$@" <<'END'
```c
int x;
```
END
message="3: ends with 1"
planted "$@" <<'END'
Text.

```sh
false
echo not reached
```
END
message="5: this is not what the block before prints"
planted "$@" <<'END'
```sh
echo one
```

```
two
```
END
message="1: no later block of sh uses unused.py"
planted "$@" <<'END'
```python
# unused.py
```
END
message="1: wrong syntax"
planted "$@" <<'END'
```shell
if
```
END
message="1: build.sh has no command walk"
planted "$@" <<'END'
Say `./build.sh walk`.
END
cat >"$dir/good.md" <<'END'
Say `./build.sh test`.

```c
/* good.c */
#include <ftrace/ftrace.h>
int main(void) { return ftrace_version() == 0; }
```

```c
/* part.c */
int part(void);
```

```sh
echo one
```

```
one
```

A drawing:

```
two
```
END
"$check" "$@" "$dir/good.md"
