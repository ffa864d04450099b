# test: timeout=300
#
# fetch brings every file whole, through failing servers too, keeps to its limits, and says what is
# missing.
example=httpd
. "$SOURCE_DIR/tests/test_support/server.sh" || exit 1
skip_without_program
fetch=$BUILD_DIR/examples/fetch

# Runs fetch; its output is in client.out.
run() { # STATUS ARGUMENT...
    local expected=$1 status
    shift
    timeout 120 "$fetch" "$@" >client.out 2>&1 </dev/null
    status=$?
    [ "$status" = "$expected" ] || fail "fetch: exit status $status, not $expected: $*"
}

url() {
    echo "http://127.0.0.1:$port$1"
}

make_files() {
    mkdir -p www/sub
    local i
    for i in {1..60}; do head -c $((i * 7001)) /dev/urandom >"www/file-$i"; done
    echo index >www/sub/index.html
    : >www/empty
}

check_many() { # CONNECTIONS
    local i
    rm -rf got
    for i in {1..60}; do url "/file-$i"; done >list
    printf '# a comment\n\n%s\n%s\n' "$(url /empty)" "$(url /sub)" >>list
    run 0 --list list --output got --connections "$1"
    for i in {1..60}; do cmp -s "www/file-$i" "got/file-$i" || fail "file-$i came changed"; done
    [ -f got/empty ] && [ ! -s got/empty ] || fail "the empty file"
    [ "$(cat got/sub)" = index ] || fail "a redirection was not followed"
    [ "$(find got -type f | wc -l)" = 62 ] || fail "other files than asked for"
    grep -q '^fetch: 62 of 62 files' client.out || fail "the summary"
}

check_names() {
    rm -rf got
    run 0 --output got "$(url /sub/)" "$(url /file-1)" "$(url /file-1)" "$(url '/file-1?x=/../y')"
    [ "$(find got -type f -printf '%f\n' | sort | tr '\n' ' ')" = 'file-1 file-1.1 file-1.2 index.html ' ] ||
        fail "names: $(find got -type f)"
    echo "$(url /file-2)" | timeout 60 "$fetch" --list - --output got 2>client.out || fail "a list from stdin"
    cmp -s www/file-2 got/file-2 || fail "file-2 of the list from stdin"
}

check_missing() {
    rm -rf got
    run 1 --output got --backoff 0.01 "$(url /nothing)" "$(url /file-1)" http://127.0.0.1:1/x
    grep -q "nothing: the server says 404 (tries: 1)" client.out || fail "404 is tried again, or not told"
    grep -q '127.0.0.1:1/x: Connection refused (tries: 5)' client.out || fail "a refusal is not tried again"
    grep -q '^fetch: 1 of 3 files' client.out || fail "the summary"
    [ "$(find got -type f)" = got/file-1 ] || fail "something is left: $(find got)"
}

# --- a server that fails ---

# Starts a server that sends each FILE to one connection, or is silent if there is none; its port is in
# bad_port afterwards.
start_bad_server() { # [FILE...]
    local pipe
    exec {pipe}< <(exec "$BUILD_DIR/tests/answers" "$@")
    clients=($!)
    read -r bad_port <&"$pipe" || fail "a server that fails does not start"
    exec {pipe}<&-
}

check_retries() {
    local bad_port
    rm -rf got
    printf 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n' >answer.1
    printf 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut off' >answer.2
    printf 'nonsense\r\n\r\n' >answer.3
    printf 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n' >answer.4
    start_bad_server answer.1 answer.2 answer.3 answer.4
    run 0 --output got --backoff 0.2 --retries 20 "http://127.0.0.1:$bad_port/x"
    [ "$(cat got/x)" = 'hello world' ] || fail "what came after failures is '$(cat got/x)'"
    eventually has_gone "${clients[0]}" # who has sent all of its answers
    clients=()
}

has_gone() { # PID
    ! kill -0 "$1" 2>/dev/null
}

# A server that never answers: the silence, the deadline, and a signal each end it.
check_silence() {
    local bad_port status fetcher
    start_bad_server
    rm -rf got
    run 1 --output got --silence 0.1 --retries 1 --backoff 0.01 "http://127.0.0.1:$bad_port/x"
    grep -q 'x: Connection timed out (tries: 2)' client.out || fail "silence"
    run 1 --output got --time 0.3 "http://127.0.0.1:$bad_port/x" "$(url /file-1)"
    grep -q 'x: out of time' client.out && grep -q '1 of 2 files' client.out || fail "the deadline"
    cmp -s www/file-1 got/file-1 || fail "what was whole before the deadline is lost"
    run 1 --output got --connections 1 --time 0.2 "http://127.0.0.1:$bad_port/x" "$(url /file-2)"
    # the one that is silent holds the only connection to the end; the other may still be begun then
    grep -q '0 of 2 files' client.out || fail "the limit of connections"
    "${as_server[@]}" "$fetch" --output got "http://127.0.0.1:$bad_port/y" 2>client.out &
    fetcher=$!
    eventually test -e got/y.part
    kill -INT $fetcher
    wait $fetcher
    status=$?
    [ $status = 1 ] && grep -q '0 of 1 files' client.out || fail "SIGINT: $status"
    [ ! -e got/x.part ] && [ ! -e got/y.part ] || fail "a part is left"
    kill "${clients[0]}" 2>/dev/null
    clients=()
}

check_bar() {
    has script || return
    timeout 60 script -qec "'$fetch' --output got $(url /file-60) $(url /file-59)" /dev/null >client.out ||
        fail "on a terminal"
    grep -q -a '\[[#.]*\] [0-2]/2 files' client.out || fail "no bar on a terminal"
}

check_command_line() {
    local arguments
    for arguments in '' '--connections 0 http://x/' '--time 0 http://x/' '--retries x http://x/' \
        'https://x/' 'ftp://x/' 'x' 'http://' 'http://a@b/' '--bogus'; do
        # shellcheck disable=SC2086
        run 2 $arguments
    done
    run 1 --list no-such-list
    run 0 --help
}

make_files
check_command_line
start_server --quiet www
check_many 1
check_many 50
check_names
check_missing
check_retries
check_silence
check_bar
stop_server
exit 0
