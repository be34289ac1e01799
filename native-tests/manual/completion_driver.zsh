#!/usr/bin/zsh -f
# SPDX-License-Identifier: MIT
#
# completion_driver.zsh SCRIPT LINES - types each line and a tab into a zsh on a terminal of its own, where compadd, which
# gets all that is offered, prints it.
zmodload zsh/zpty || exit 1
folder=$(mktemp -d)
trap 'rm -rf $folder' EXIT
cp $1 $folder/_ftrace
cat >$folder/rc <<'END'
PS1= PS2= RPS1=
fpath=($FOLDER $fpath)
autoload -Uz compinit
compinit -u -d $FOLDER/dump
setopt no_beep no_list_beep no_prompt_cr
unsetopt menu_complete auto_menu
zstyle ':completion:*' verbose no
compadd() {
    # With -O, -A or -D it adds nothing.
    if [[ ${@[1,(i)(-|--)]} == *-[^\ ]#(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    local -a hits
    builtin compadd -A hits "$@"
    (( $#hits )) && print -lr -- $hits >>$FOLDER/offers
    builtin compadd "$@"
}
complete-now() {
    zle complete-word
    BUFFER=
    zle -I
    print offered
}
zle -N complete-now
bindkey '^I' complete-now
print ready
END
zpty terminal "FOLDER=$folder zsh -f -o extended_glob -i"
zpty -w terminal "source $folder/rc"
zpty -r -m terminal output '*ready*' || exit 1
integer number=0
while IFS= read -r line; do
    number+=1
    : >$folder/offers
    zpty -w -n terminal "$line"$'\t'
    zpty -r -m terminal output '*offered*' || exit 1
    print "== $number"
    cat $folder/offers
done <$2
zpty -d terminal
exit 0
