# test: plain
# Every header compiles alone, and twice; the public ones as C++17, too.
set -eu
cd "$SOURCE_DIR"
failures=0

# Compiles a program that is nothing but the header.
check() {
    header=$1
    shift
    printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        "$@" -Wall -Wextra -Werror -fsyntax-only -Iinclude - && return
    echo "$header does not compile alone by: $*"
    failures=$((failures + 1))
}

while read -r header; do
    check "${header#include/}" "$CC" -std=gnu11 -x c
    if [ -n "$CXX" ]; then
        check "${header#include/}" "$CXX" -std=c++17 -x c++
    fi
done < <(find include -name '*.h')
while read -r header; do
    check "${header#src/}" "$CC" -std=gnu11 -Isrc -x c
done < <(find src -name '*.h')

[ -n "$CXX" ] || echo "no C++ compiler: as C++, nothing was checked"
exit $((failures > 0))
