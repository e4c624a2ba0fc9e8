#!/bin/bash -p
# Starts make again by the words that were typed, without what the environment says to Make.
# The Makefile calls it with the process of make and its own path; a month that is told to a
# make of another project is no order to this one, and a -i of its own hides no error here.
words=()
mapfile -d '' -t words <"/proc/$1/cmdline"
typed=() skip=
for word in "${words[@]:1}"; do
  case $skip$word in
    skip*) skip= ;;
    -[CfIjlo] | --directory | --file | --makefile) skip=skip ;; # its value is the next word
    -[CfIjlo]* | --directory=* | --file=* | --makefile=*) ;;
    *) typed+=("$word") ;;
  esac
done
unset MAKEFLAGS GNUMAKEFLAGS MFLAGS MAKELEVEL MAKEFILES MAKECMDGOALS MAKEOVERRIDES
exec "$(readlink "/proc/$1/exe")" -f "$2" "${typed[@]}"
