# test: plain
# The manual keeps its word: the EXAMPLE of each page builds without a warning, runs, and prints what
# the page says; and what a program can call has a page of its name.
set -eu
unset BINE_WORKERS BINE_STACK
export LC_ALL=C
cd "$SOURCE_DIR/docs/man"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

libs=-pthread
if command -v pkg-config >/dev/null; then
    libs=$(PKG_CONFIG_PATH=$BUILD_DIR pkg-config --static --libs-only-other --libs-only-l bine | sed 's/-lbine//')
fi
failures=0
fail() {
    echo "$1"
    failures=$((failures + 1))
}

# --- examples ---

# Prints a block of a page's EXAMPLE, as a reader sees it: the program is the first, what it prints
# the second.
block() { # PAGE NUMBER
    awk -v wanted="$2" '
        /^\.SH / { inside = $2 == "EXAMPLE" }
        /^\.EE/ { printing = 0 }
        printing
        inside && /^\.EX/ { printing = ++count == wanted }' "$1" |
        sed -e 's/^\\&//' -e 's/\\-/-/g' -e "s/\\\\(aq/'/g" -e 's/\\(ga/`/g' -e 's/\\(ha/^/g' \
            -e 's/\\(ti/~/g' -e 's/\\e/\\/g'
}

try_example() { # PAGE
    local program=$scratch/${1%.*} status=0
    block "$1" 1 >"$program.c"
    block "$1" 2 >"$program.expected"
    if [ ! -s "$program.c" ]; then
        fail "$1 has no example"
    # shellcheck disable=SC2086
    elif ! "$CC" -std=gnu11 -Wall -Wextra -Werror -I"$SOURCE_DIR/include" "$program.c" \
        "$BUILD_DIR/libbine.a" $libs -o "$program"; then
        fail "the example of $1 does not build"
    else
        timeout 20 "$program" >"$program.out" </dev/null || status=$?
        [ "$status" = 0 ] || fail "the example of $1 ends with status $status"
        [ ! -s "$program.expected" ] || diff "$program.expected" "$program.out" ||
            fail "the example of $1 prints something else (>) than it says (<)"
    fi
}

# An alias leads to the page that names it.
check_alias() { # PAGE
    local target
    target=$(sed -n '1s/^\.so man3\///p' "$1")
    [ -f "$target" ] || { fail "$1 leads to $target, which is not there" && return; }
    awk '/^\.SH / { inside = $2 == "NAME" } inside' "$target" | grep -qw "${1%.3}" ||
        fail "$1 leads to $target, which does not name it"
}

pages=0
for page in *.[37]; do
    if grep -q '^\.so ' "$page"; then
        check_alias "$page"
    else
        pages=$((pages + 1))
        try_example "$page"
    fi
done
[ "$pages" -gt 0 ] || fail "there are no pages"

# --- names ---

# Names ending in _ are not for users.
functions=$(nm --extern-only --defined-only "$BUILD_DIR/libbine.a" |
    awk '$2 == "T" && $3 ~ /^bine_/ { print $3 }')

# Prints the macros of the public headers. A header that declares no function of the library is still
# to be made good on: its macros do not count.
macros() {
    "$CC" -std=gnu11 -E -dD -I"$SOURCE_DIR/include" "$SOURCE_DIR/include/bine.h" |
        awk -v functions="$(echo $functions)" '
            BEGIN {
                split(functions, list)
                for (i in list)
                    exists[list[i] "("] = 1
            }
            /^# [0-9]+ "/ { header = $3; next }
            header !~ /\/bine\/[a-z]+\.h"$/ { next }
            /^#define / {
                sub(/\(.*/, "", $2)
                of[$2] = header
                next
            }
            {
                for (rest = $0; match(rest, /bine_[a-z0-9_]+\(/); rest = substr(rest, RSTART + RLENGTH))
                    if (substr(rest, RSTART, RLENGTH) in exists)
                        made_good[header] = 1
            }
            END {
                for (macro in of)
                    if (of[macro] in made_good && macro !~ /_H$/)
                        print macro
            }'
}

names=$(printf '%s\n' "$functions" "$(macros)" | grep -v '_$' | sort -u)
[ "$(grep -c '^bine_' <<<"$names")" -gt 0 ] || fail "the library has no functions"
for name in $names; do
    case $name in
    bine_*) [ -f "$name.3" ] || fail "$name has no page" ;;
    *) cat -- *.3 | grep -qw "$name" || fail "$name is in no page" ;;
    esac
done

exit $((failures > 0))
