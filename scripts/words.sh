#!/usr/bin/env bash
# Refuses English that reads as translated: words and constructions that have plain ones (if, because, after, also,
# no one, again, fix), in documents, sources, tests' transcripts and scripts.
#   scripts/words.sh            each line that is refused, and how many there are; status 1 if there is one
#   scripts/words.sh --count    how many, by construction
# A line that is right as it stands is listed in scripts/words-allowed.txt: the file, a tab, and a part of the line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# NAME <tab> PATTERN (of Perl's kind, and of any case).
constructions() {
    cat <<'LIST'
where for if	(^|[.;:(,] |[/!#*] |\| )where (it|its|there|that|this|these|a|an|no|none|nothing|one|both|neither|some|another|they|you|something|two|several|what) 
where for if	\bwhere (there (is|are|was) no|nothing|none|no (other|such|one))\b
where for if	\b(only|except|but|not|even|so|also) where\b
, for	[,;] for (it|its|there|they|he|this (is|was)|that (is|was)|what|no|none|nothing|one|then|otherwise|some|without)\b
behind for after	\bbehind\b
besides	\bbesides\b
nobody, somebody	\b(no|some)body\b(?!:)
whoever, whom	\b(who(so)?ever|whom(ever)?)\b
anew	\banew\b
mend	\bmend(s|ed|ing)?\b
be it	\bbe (it|they|he)\b
is none	\b(is|are|was|were) none\b
of now, of before	\bof (now|then|before|after)\b(?! [a-z])
can be had	\b(be|is|was|are|were|been) had\b
thereof and its kind	\b(thereof|therein|thereby|whereby|wherein|whereupon|whence|thence|hence|hitherto|henceforth|lest|albeit|withal|likewise)\b
any more	\bnot [a-z ]+ any more\b
as far as it goes	\bas far as (that|it) goes\b
please	\bplease\b
for a name	\bby the name of\b
LIST
}

# What people read. Vectors and fixtures are data.
files() {
    git ls-files -- '*.md' '*.rs' '*.sh' '*.py' '*.mjs' 'tests/cmd/*.txt' 'contrib/*' |
        grep -v -e '^scripts/words' -e '^tests/fixtures/' -e '^tests/it/data/'
}

found() {
    local name pattern
    while IFS=$'\t' read -r name pattern; do
        files | xargs -d '\n' grep -HniP -e "$pattern" -- | sed "s/^/$name\t/" || true
    done < <(constructions) | allowed
}

# Drops the lines that the list allows.
allowed() {
    awk -F '\t' '
        NR == FNR { if ($0 !~ /^#/ && NF >= 2) part[++n] = $1 SUBSEP $2; next }
        {
            line = substr($0, index($0, "\t") + 1)
            file = substr(line, 1, index(line, ":") - 1)
            for (i = 1; i <= n; i++) { split(part[i], p, SUBSEP); if (file == p[1] && index(line, p[2])) next }
            print
        }' scripts/words-allowed.txt -
}

if [ "${1-}" = --count ]; then
    found | cut -f 1 | sort | uniq -c | sort -rn
    exit
fi
all=$(found)
[ -z "$all" ] && { echo 'words: 0 refused'; exit; }
printf '%s\n' "$all"
printf 'words: %d refused\n' "$(wc -l <<<"$all")"
exit 1
