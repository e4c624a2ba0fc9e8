#!/bin/bash -p
# Starts make again by the words that were typed, without what the environment says to Make.
# usage: as_typed.sh PID MAKEFILE, where PID is the make that found itself so told
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
make=$(readlink "/proc/$1/exe")
told=${MAKEFLAGS%% *}
unset MAKE MAKE_COMMAND MAKEFLAGS GNUMAKEFLAGS MFLAGS MAKELEVEL MAKEFILES MAKECMDGOALS MAKEOVERRIDES
"$make" -f "$2" "${typed[@]}" || {
  status=$?
  # A make that was told to ignore errors (-i) would hide this one.
  [[ $told != *i* ]] || kill "$1"
  exit $status
}
