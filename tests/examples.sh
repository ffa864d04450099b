# test: timeout=300
#
# The examples do what they say: pool finds the right primes and draws who found them; wordcount counts
# what tr, sort and uniq count, by channels and by a mutex; treesum prints what sha256sum would,
# whatever lies in the tree.
set -u
export LC_ALL=C
unset NO_COLOR BINE_WORKERS
pool=$BUILD_DIR/examples/pool
treesum=$BUILD_DIR/examples/treesum
wordcount=$BUILD_DIR/examples/wordcount
scratch=$(mktemp -d)
trap 'chmod -R u+rwX "$scratch"; rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
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

lines_with() { # PATTERN FILE
    grep -c -a -- "$1" "$2"
}

# Runs it on a terminal of 70 columns; what the terminal got is in out afterwards.
on_terminal() { # COMMAND
    : >err
    timeout 60 script -qec "stty cols 70; $1" /dev/null >out </dev/null || fail "on a terminal: $1"
}

# --- pool ---

# The numbers below ten million have 664,579 primes. The ranges must cover them, one after the other;
# a worker must run one task at a time, and all workers no more than there are.
check_results() { # TASKS WORKERS
    sed -n '2,/^$/{/./p}' out >results
    awk -v tasks="$1" '
        $1 != NR || $2 != next_from || $8 < $6 { bad = 1 }
        { next_from = $3 + 1; sum += $4 }
        END { exit bad || NR != tasks || next_from != 10000000 || sum != 664579 }' results ||
        fail "results of $1 tasks on $2 workers"
    # The starts (1) and ends (0) in the order of time; at one time, the ends first.
    awk '{ print $6, 1, $5; print $8, 0, $5 }' results | sort -k1,1n -k2,2n |
        awk -v workers="$2" '
            $2 == 1 { busy[$3]++; running++ }
            $2 == 0 { busy[$3]--; running-- }
            busy[$3] > 1 || running > workers { bad = 1 }
            END { exit bad }' || fail "$1 tasks overlap on $2 workers"
    local lanes
    lanes=$(grep -c -E '^(worker|spare) ' out)
    [ "$lanes" -ge "$2" ] || fail "$lanes lines in the picture for $2 workers"
}

run 0 "$pool"
check_results 10 4
# What factor says, of the two smallest tasks.
for task in 2 4; do
    read -r _ from to primes _ < <(sed -n "${task}p" results)
    [ "$(seq "$from" "$to" | factor | awk 'NF == 2' | wc -l)" = "$primes" ] ||
        fail "task $task has not found the primes from $from to $to"
done
[ "$(awk 'length > 80' out | wc -l)" = 0 ] || fail "the picture is wider than 80 columns"
[ "$(lines_with $'\033' out)" = 0 ] || fail "colour in a file"
grep -q -E '^(worker|spare).*(=|\[)6(=|\])' out || fail "the longest task is not in the picture"

run 0 "$pool" --tasks=3 --workers=8
check_results 3 8
run 0 "$pool" --tasks 200 --workers 1
check_results 200 1
run 0 "$pool" --tasks 1
check_results 1 4

run 0 "$pool" --svg picture.svg --tasks 25
check_results 25 4
[ "$(lines_with '<rect class="task"' picture.svg)" = 25 ] || fail "tasks in the SVG picture"
[ "$(tail -n 1 picture.svg)" = '</svg>' ] || fail "the SVG picture has no end"
if command -v python3 >/dev/null; then
    run 0 python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("picture.svg")'
fi

for arguments in '--tasks 0' '--tasks -3' '--tasks 10x' '--tasks 10001' '--tasks' '--workers 0' \
    '--workers 257' '--workers 99999999999999999999' '--svg' '--bogus' '-x' 'operand' '--tasks='; do
    # shellcheck disable=SC2086
    run 2 "$pool" $arguments
    [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "not one line of complaint: pool $arguments"
done
run 1 "$pool" --svg no/such/folder.svg
[ "$(wc -l <err)" = 1 ] || fail "not one line about the picture that cannot be written"
run 1 "$pool" --svg /dev/full
run 0 "$pool" --help
run 1 sh -c "'$pool' >/dev/full"

if command -v script >/dev/null; then
    on_terminal "'$pool'"
    [ "$(lines_with $'\033\\[30;4[1-6]m' out)" -ge 4 ] || fail "no colour on a terminal"
    sed $'s/\033\\[[0-9;]*m//g; s/\r//' out >plain
    [ "$(grep -E '^(worker|spare)' plain | awk 'length != 70' | wc -l)" = 0 ] ||
        fail "the picture does not fit 70 columns"
    on_terminal "NO_COLOR=1 '$pool'"
    [ "$(lines_with $'\033' out)" = 0 ] || fail "colour in spite of NO_COLOR"
fi

# --- wordcount ---

words_of() { # FILE...: one a line, in small letters
    for file; do cat "$file" && echo; done | tr -c 'A-Za-z\200-\377' '\n' | tr A-Z a-z | grep .
}

mkdir -p texts/below
head -c 300000 /dev/urandom | od -An -x | tr 0-9 g-p >texts/below/many
tr '\n' ' ' <texts/below/many | cut -c 1-400000 | tr -d '\n' >texts/long # one line, and no end of it
printf 'The quick, the QUICK; the na\303\257ve\n' >texts/small
printf 'last' >texts/below/last
: >texts/empty
printf 'the binary \0 the' >texts/binary
ln -s small texts/link
words_of texts/below/many texts/long texts/small texts/below/last >words
total=$(wc -l <words)
sort words | uniq -c | sort -k1,1nr -k2,2 | awk '{ print substr($2, 1, 20), $1 }' >counted

for arguments in '' '--mutex' '--mutex --workers 1' '--mutex --workers 8'; do
    # shellcheck disable=SC2086
    run 0 "$wordcount" $arguments texts
    grep -q "^$total words, $(wc -l <counted) different$" out ||
        fail "not $total words: wordcount $arguments"
    grep -q '^5 files, .*; 1 more hold no text; ' out || fail "files: wordcount $arguments"
    [[ $arguments != *--mutex* ]] || grep -q '^both ways count the same$' out ||
        fail "no comparison: wordcount $arguments"
    head -n 20 out | awk '{ print $1, $2 }' | cmp -s - <(head -n 20 counted) ||
        fail "the most frequent words: wordcount $arguments"
done
[ "$(awk 'length > 80' out | wc -l)" = 0 ] || fail "the chart is wider than 80 columns"
run 0 "$wordcount" texts/small
[ "$(sed -n 1p out | tr -s ' ')" = " the 3 $(printf '#%.0s' {1..48})" ] || fail "the first bar"
run 0 "$wordcount" texts/empty
grep -q '^0 words, 0 different$' out || fail "words in nothing"
for arguments in '--workers 0' '--workers 257' '--workers x' '--workers' '--bogus'; do
    # shellcheck disable=SC2086
    run 2 "$wordcount" $arguments
    [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "not one line of complaint: wordcount $arguments"
done
run 0 "$wordcount" --help
run 1 sh -c "'$wordcount' texts >/dev/full"

# --- treesum ---

if [ ! -x "$treesum" ]; then
    echo "treesum was not built (no libcrypto): not tested"
    exit 0
fi

make_tree() {
    mkdir -p tree/sub/deeper/deepest tree/empty tree/large "tree/with space" tree/a $'tree/new\nline.d'
    local names=($'new\nline' 'back\slash' $'carriage\rreturn' -dash ' leading' 'trailing ' '*' '~'
        $'latin\351' $'escape\033[31m' $'all\\\n\r' a.txt a-b a/b a/-c "with space/x" $'new\nline.d/y')
    for name in "${names[@]}"; do
        printf '%s' "$name" >"tree/$name"
    done
    : >tree/sub/empty
    for size in 1 65535 65536 65537 262144 3000001; do
        head -c "$size" /dev/urandom >"tree/sub/deeper/$size"
    done
    for i in {1..300}; do # each takes more than one turn; all of them open at once are too many
        truncate -s 300000 "tree/large/$i"
    done
    for i in {1..1500}; do
        echo "$i" >"tree/sub/deeper/deepest/$i"
    done
    mkfifo tree/fifo
    ln -s loop1 tree/loop2
    ln -s loop2 tree/loop1
    ln -s .. tree/up
    ln -s nowhere tree/dangling
    ln -s a.txt tree/link
}

sums_by_sha256sum() { # PATH...
    find "$@" -type f -print0 | sort -z | xargs -0 sha256sum
}

make_tree
sums_by_sha256sum tree >wanted

run 0 "$treesum" tree
cmp -s out wanted || fail "sums differ from sha256sum's"
sha256sum -c --quiet --strict out >check 2>&1 || fail "sha256sum -c: $(head -n 3 check)"
for complaint in 'tree/fifo: skipped, a fifo' 'tree/loop1: skipped, a loop of symbolic links' \
    '5 symbolic links not followed' '5 names with a backslash'; do
    grep -q -F "$complaint" err || fail "no word about: $complaint"
done
files=$(wc -l <wanted)
bytes=$(find tree -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%.1f", sum / 1e6 }')
grep -q "^$files files, $bytes MB in .* tasks on" err || fail "not $files files of $bytes MB in all"
parts=$(awk '/^  (worker|spare) / { sum += $3 } END { print sum }' err)
[ "$parts" = "$files" ] || fail "the workers' shares are $parts files, not $files"

for workers in 1 2 8; do
    run 0 "$treesum" --workers "$workers" tree
    cmp -s out wanted || fail "sums differ from sha256sum's with $workers workers"
    grep -q "tasks on $workers workers" err || fail "not on $workers workers"
done

# Few descriptors are enough.
run 0 bash -c "ulimit -n 64; exec '$treesum' --workers 2 tree"
cmp -s out wanted || fail "sums differ from sha256sum's with 64 descriptors"

# What is named is followed; a slash too many is not added; a file may be named.
ln -s tree/a named
run 0 "$treesum" tree/a/ named tree/a.txt
{ sums_by_sha256sum tree/a/ tree/a.txt; sums_by_sha256sum named/; } | sort -k2 >wanted
cmp -s out wanted || fail "sums of a folder with a slash, a link and a file"
run 0 "$treesum" tree/fifo
[ ! -s out ] || fail "a sum for a fifo"
run 0 "$treesum" tree/empty
[ ! -s out ] || fail "a sum for nothing"

# What cannot be read is told, is told by the exit status, and keeps nothing else from being read.
run 1 "$treesum" missing tree/loop1 tree/a /proc/self/mem
for complaint in missing tree/loop1 /proc/self/mem; do
    grep -q "^treesum: $complaint: " err || fail "no word about $complaint"
done
sums_by_sha256sum tree/a >wanted
cmp -s out wanted || fail "unreadable files keep others from being read"

# As root nothing is unreadable: then as nobody.
as_user=()
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
fi
if [ "$(id -u)" != 0 ] || [ ${#as_user[@]} -gt 0 ]; then
    cp "$treesum" .
    mkdir -p closed/dir
    echo 1 >closed/open
    echo 2 >closed/shut
    echo 3 >closed/dir/x
    sums_by_sha256sum closed/open >wanted
    chmod 000 closed/shut closed/dir
    run 1 "${as_user[@]}" ./treesum closed
    cmp -s out wanted || fail "a closed file keeps others from being read"
    [ "$(lines_with '^treesum: closed/\(shut\|dir\): Permission denied$' err)" = 2 ] ||
        fail "no word about what is closed"
fi

run 0 "$treesum" --compare tree
grep -q -E '^one worker [0-9.]+ s, .* speed-up [0-9]+\.[0-9]+$' err || fail "no comparison"
[ "$(grep -c 'a fifo' err)" = 1 ] || fail "the comparison repeats the complaints"

for arguments in '--workers 0' '--workers 1025' '--workers abc' '--workers' '--bogus' '-x'; do
    # shellcheck disable=SC2086
    run 2 "$treesum" $arguments
    [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "not one line of complaint: treesum $arguments"
done
run 0 "$treesum" --help
run 1 sh -c "'$treesum' tree >/dev/full"

if command -v script >/dev/null; then
    truncate -s 1G sparse # long enough for a bar to be drawn
    on_terminal "'$treesum' sparse >/dev/null"
    tr '\r' '\n' <out >drawn
    grep -q -a -E '^\[[#-]+\] [0-9]+ files, [0-9]+ MB, [0-9]+ MB/s' drawn || fail "no progress bar"
    sed $'s/\033\\[K//g' drawn >plain
    [ "$(awk '/^\[/ && length > 70' plain | wc -l)" = 0 ] || fail "the bar is wider than 70 columns"
    rm sparse
fi

# The real thing, which would take long under a sanitizer. Where a folder of it is missing or closed to us, the status says so.
[ -z "${SANITIZE-}" ] || exit 0
timeout 120 "$treesum" >out 2>err </dev/null
status=$?
[ "$status" -le 1 ] || fail "exit status $status for the usual folders"
[ "$status" = 0 ] || grep -q '^treesum: /usr/.*: ' err || fail "no word about what cannot be read"
sha256sum -c --quiet --strict out >check 2>&1 || fail "sha256sum -c: $(head -n 3 check)"
readable=$(find /usr/include /usr/share/doc -type f -readable 2>/dev/null | wc -l)
[ "$(wc -l <out)" = "$readable" ] || fail "not the $readable files of the usual folders"
exit 0
