# To be sourced: puts what a script measured into docs/speed.md.
# shellcheck shell=bash

# write_measured SCRIPT MEASURED PICTURE TITLE SCRATCH: replaces the part of docs/speed.md between the script's two marks, and the
# picture of that name in docs/.
write_measured() {
    local name=${3##*/}
    awk -v script="$1" -v measured="$2" -v picture="$name" -v title="$4" '
        $0 == "<!-- measured by " script ": end -->" { inside = 0; ended = 1 }
        !inside { print }
        $0 == "<!-- measured by " script ": begin -->" {
            print ""
            while ((getline line < measured) > 0) print line
            print "\n![" title "](" picture ")\n"
            inside = 1
        }
        END { exit !ended }
    ' docs/speed.md >"$5/speed.md" || return
    cat "$5/speed.md" >docs/speed.md
    cp "$3" "docs/$name"
}
