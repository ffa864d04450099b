# test: timeout=300
#
# The examples of fork-join do what they say: mandelbrot draws the right picture, whoever draws; psort
# prints what LC_ALL=C sort does, of whatever files.
set -u
export LC_ALL=C
unset BINE_WORKERS
mandelbrot=$BUILD_DIR/examples/mandelbrot
psort=$BUILD_DIR/examples/psort
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1

fail() {
    echo "FAILED: $*" >&2
    head -n 50 out err >&2
    exit 1
}

# Runs a program; its output is in out and err afterwards. A minute is a hang.
run() { # STATUS COMMAND...
    local expected=$1
    shift
    timeout 60 "$@" >out 2>err </dev/null
    local status=$?
    [ "$status" = "$expected" ] || fail "exit status $status, not $expected: $*"
}

# --- mandelbrot ---

# The picture, computed by awk: X for a pixel that is black, . for one that is not.
by_awk() { # WIDTH HEIGHT ITERATIONS
    awk -v width="$1" -v height="$2" -v most="$3" 'BEGIN {
        scale = 3.2 / width
        for (row = 0; row < height; row++) {
            for (column = 0; column < width; column++) {
                x = -2.2 + scale * column
                y = scale * (row - height / 2)
                re = im = steps = 0
                while (steps < most && re * re + im * im <= 4) {
                    next_re = re * re - im * im + x
                    im = 2 * re * im + y
                    re = next_re
                    steps++
                }
                printf "%s", steps == most ? "X" : "."
            }
            print ""
        }
    }'
}

from_ppm() { # WIDTH FILE
    tail -c +$(($(head -n 3 "$2" | wc -c) + 1)) "$2" | od -An -v -tu1 -w3 |
        awk -v width="$1" '
            { printf "%s", $1 + $2 + $3 == 0 ? "X" : "." }
            NR % width == 0 { print "" }'
}

for size in "100 70" "33 65" "1 1"; do
    set -- $size
    by_awk "$1" "$2" 60 >wanted
    for workers in 1 2 8; do
        run 0 "$mandelbrot" --width "$1" --height "$2" --iterations 60 --workers $workers \
            --output picture.ppm
        [ "$(head -n 3 picture.ppm | tr '\n' ' ')" = "P6 $1 $2 255 " ] || fail "the PPM's head"
        from_ppm "$1" picture.ppm | cmp -s - wanted || fail "the picture of $size by $workers workers"
        grep -q -E "speed-up [0-9]+\.[0-9]+$" out || fail "no speed-up"
        tiles=$((($1 + 31) / 32 * (($2 + 31) / 32)))
        drawn=$(awk '/^worker/ { sum += $4 } END { print sum }' out)
        [ "$drawn" = $tiles ] || fail "the workers' shares are $drawn tiles, not $tiles"
    done
done

run 0 "$mandelbrot" --width 640 --height 320 --iterations 500 --output plain.ppm
run 0 "$mandelbrot" --width 640 --height 320 --iterations 500 --workers 4 --workers-view \
    --output tinted.ppm
[ "$(head -n 10 out | grep -c -E '^[0-3]{20}$')" = 10 ] || fail "no map of 20 by 10 tiles"
[ "$(wc -c <plain.ppm)" = "$(wc -c <tinted.ppm)" ] || fail "the tinted picture has another size"
! cmp -s plain.ppm tinted.ppm || fail "the picture is not tinted"

run 0 "$mandelbrot" --width 64 --height 48 --iterations 50
[ -s mandelbrot.png ] || [ -s mandelbrot.ppm ] || fail "no picture by the usual name"
if [ -s mandelbrot.png ] && command -v python3 >/dev/null; then
    run 0 "$mandelbrot" --width 64 --height 48 --iterations 50 --output same.ppm
    cat >same.py <<'PYTHON'
import struct, sys, zlib
data = open("mandelbrot.png", "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n"
at, packed = 8, b""
while at < len(data):
    length, kind = struct.unpack(">I4s", data[at:at + 8])
    body = data[at + 8:at + 8 + length]
    if kind == b"IHDR":
        assert struct.unpack(">II5B", body) == (64, 48, 8, 2, 0, 0, 0), body
    packed += body if kind == b"IDAT" else b""
    at += length + 12
rows, raw, line = [], zlib.decompress(packed), 64 * 3
previous = bytearray(line)
for row in range(48):
    how, now = raw[row * (line + 1)], bytearray(raw[row * (line + 1) + 1:(row + 1) * (line + 1)])
    for i in range(line):
        a, b, c = now[i - 3] if i >= 3 else 0, previous[i], previous[i - 3] if i >= 3 else 0
        p = a + b - c
        near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        now[i] = (now[i] + [0, a, b, (a + b) // 2, near][how]) % 256
    rows.append(bytes(now))
    previous = now
assert b"".join(rows) == open("same.ppm", "rb").read()[len(b"P6\n64 48\n255\n"):]
PYTHON
    run 0 python3 same.py
fi

for arguments in '--width 0' '--height 20001' '--iterations x' '--workers 0' '--workers' '--bogus' \
    'operand' '--workers=1025'; do
    # shellcheck disable=SC2086
    run 2 "$mandelbrot" $arguments
    [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "not one line of complaint: $arguments"
done
run 1 "$mandelbrot" --width 9 --height 9 --output no/such/folder.ppm
run 1 "$mandelbrot" --width 900 --height 900 --iterations 1 --output /dev/full
run 0 "$mandelbrot" --help

# --- psort ---

check_sort() { # FILE...
    sort -- "$@" >wanted 2>/dev/null
    for workers in 1 2 8; do
        run 0 "$psort" --workers $workers -- "$@"
        cmp -s out wanted || fail "$workers workers sort $* in another way"
    done
}

: >empty
printf '\n' >newline
printf 'no newline' >one
printf 'b\na\0b\na\na\0\n\n\377\nA\n\200z\nab' >bytes
printf '%s\n' aaaaaaaa aaaaaaaaa aaaaaaa 'aaaaaaaa ' $'aaaaaaaa\001' aaaaaaab aaaaaaaa >prefixes
seq 1 100000 | shuf >numbers
yes same | head -n 50000 >same
head -c 3000000 /dev/urandom >random
head -c 1000000 /dev/zero >one_long_line
{ head -c 300000 /dev/zero | tr '\0' x && echo && cat numbers; } >long_and_short
for file in empty newline one bytes prefixes numbers same random one_long_line long_and_short; do
    check_sort $file
done
check_sort one bytes empty newline numbers one
sort -r numbers >wanted
run 0 "$psort" --reverse numbers
cmp -s out wanted || fail "in reverse"
"$psort" <numbers >out 2>err || fail "from standard input"
sort numbers | cmp -s out - || fail "standard input sorted in another way"
cp numbers itself
run 0 "$psort" --output itself itself
sort numbers | cmp -s itself - || fail "a file sorted into itself"

# The real thing: the system's headers, of which few are enough under a sanitizer, and the library
# itself.
folders=("$SOURCE_DIR/src")
[ -n "${SANITIZE-}" ] || folders+=(/usr/include)
find "${folders[@]}" -name '*.[ch]' -readable -print0 2>/dev/null |
    xargs -0 cat >headers
cat "$BUILD_DIR"/libbine.* >library
for file in headers library; do
    sort $file >wanted
    run 0 "$psort" --compare $file
    cmp -s out wanted || fail "$file sorted in another way"
    grep -q -E '^[0-9]+ lines, .* speed-up [0-9]+\.[0-9]+$' err || fail "no comparison"
done

for arguments in '--workers 0' '--workers 1025' '--workers x' '--workers' '--bogus' '-x'; do
    # shellcheck disable=SC2086
    run 2 "$psort" $arguments
    [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "not one line of complaint: $arguments"
done
run 1 "$psort" missing
run 1 "$psort" .
run 1 "$psort" --output no/such/folder numbers
run 1 sh -c "'$psort' numbers >/dev/full"
run 0 "$psort" --help
exit 0
