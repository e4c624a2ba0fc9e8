#!/bin/bash -p
# Says what Make itself has to say, in the operator's language, before there is a .venv too.
# usage: say.sh ROOT TEXT [VALUE], where VALUE takes the place of {value};
#        say.sh ROOT --help TEXT MAKEFILE...: the commands, below TEXT
words=${0%/*}/lib/core/languages/fr.json
locale=${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}
language=${locale%%[_.@]*}
if [[ -n $1 && -f $1/issuer.json ]]; then
  said='"language"[[:space:]]*:[[:space:]]*"([a-z]+)"'
  [[ $(<"$1/issuer.json") =~ $said ]] && language=${BASH_REMATCH[1]} || language=
fi
[[ $language == fr ]] || words=/dev/null
shift
help=
[[ $1 != --help ]] || { help=1 && shift; }
TEXT=$1 VALUE=$2
shift $((help ? 1 : $#))
export TEXT VALUE
# A text of fr.json has a line of its own there: "English": "français",
exec awk -v words="$words" -v help="$help" '
function said(text) {
  if (!(text in french)) return text
  text = french[text]
  gsub(/ :/, "\302\240:", text); gsub(/ ;/, "\342\200\257;", text); gsub(/« /, "«\302\240", text); gsub(/ »/, "\302\240»", text)
  return text
}
BEGIN {
  FS = ":.*## "
  while ((getline line < words) > 0)
    if (line ~ /^    "/ && (at = index(line, "\": \""))) {
      text = substr(line, at + 4); sub(/",?$/, "", text); gsub(/\\"/, "\"", text)
      key = substr(line, 6, at - 6); gsub(/\\"/, "\"", key)
      french[key] = text
    }
  text = said(ENVIRON["TEXT"])
  if (at = index(text, "{value}"))
    text = substr(text, 1, at - 1) ENVIRON["VALUE"] substr(text, at + 7)
  print text
  if (!help) exit
}
/^##@ / {printf "\n%s\n", said(substr($0, 5))}
/^[a-z][a-z-]*:.*## / {printf "  %-15s %s\n", $1, said($2)}' "$@"
