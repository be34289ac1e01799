#!/usr/bin/fish --no-config
# SPDX-License-Identifier: MIT
#
# completion_driver.fish SCRIPT LINES - what fish would offer for each line.
source $argv[1]
set number 0
while read -l line
    set number (math $number + 1)
    echo "== $number"
    complete -C $line | string replace -r '\t.*' '' | string replace -r '^--\w+=(?=.)' ''
end <$argv[2]
true
