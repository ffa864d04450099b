# test: timeout=400
#
# httpd serves the files of a directory and nothing outside it, as the standard has it, to real
# clients; it cuts off slow ones, and stops in order.
example=httpd
. "$SOURCE_DIR/tests/test_support/server.sh" || exit 1
skip_without_program
has curl || exit 0

make_tree() {
    mkdir -p www/sub/deep secret "www/with space"
    echo "hello" >www/a.txt
    echo "<h1>index</h1>" >www/index.html
    echo "in sub" >www/sub/index.html
    echo "spaced" >"www/with space/b c.txt"
    echo '{}' >www/data.json
    : >www/empty
    head -c 1000000 /dev/urandom >www/big.bin
    head -c 30000000 /dev/urandom >www/huge.bin # more than sockets hold
    echo "TOP SECRET" >secret/key
    ln -s ../secret/key www/link-out
    ln -s ../secret www/dir-out
    ln -s "$scratch/secret/key" www/link-absolute
    ln -s a.txt www/link-in
    ln -s loop www/loop
    mkfifo www/fifo
}

url() {
    echo "http://127.0.0.1:$port$1"
}

# Prints the status; the body is in body afterwards, the head in head.
get() { # PATH [CURL OPTION...]
    local path=$1
    shift
    curl -s -m 60 --path-as-is -D head -o body -w '%{http_code}' "$@" "$(url "$path")"
}

expect() { # STATUS PATH [CURL OPTION...]
    local expected=$1 status
    shift
    : >body
    status=$(get "$@")
    [ "$status" = "$expected" ] || fail "$1: status $status, not $expected"
    ! grep -q SECRET body || fail "$1: what lies outside was served"
}

header() { # NAME: its value in head
    sed -n "s/^$1: \(.*\)\r$/\1/Ip" head
}

expect_header() { # NAME VALUE
    [ "$(header "$1")" = "$2" ] || fail "$1 is '$(header "$1")', not '$2'"
}

check_files() {
    expect 200 /a.txt
    [ "$(cat body)" = hello ] || fail "the body of a.txt"
    expect_header Content-Type 'text/plain; charset=utf-8'
    expect_header Content-Length 6
    expect 200 /data.json
    expect_header Content-Type application/json
    expect 200 /big.bin
    cmp -s body www/big.bin || fail "big.bin came changed"
    expect 200 /empty
    expect 200 /
    expect_header Content-Type 'text/html; charset=utf-8'
    expect 200 /sub/
    expect 301 '/sub?x=1'
    expect_header Location /sub/
    expect 404 /sub/deep/
    expect 200 '/with%20space/b%20c.txt'
    expect 200 '/a.txt?query=1'
    expect 404 /nothing
    expect 404 /a.txt/
    expect 403 /fifo
    expect 200 /a.txt -I
    expect_header Content-Length 6
    [ ! -s body ] || [ "$(wc -l <body)" -gt 3 ] || fail "HEAD has a body"
    expect 405 /a.txt -X DELETE
    expect_header Allow 'GET, HEAD'
    expect 405 /a.txt -d 'a body'
}

check_outside() {
    local path
    for path in /link-out /link-absolute /dir-out/key /../secret/key /sub/../../secret/key /loop \
        /%2e%2e/secret/key /%2E%2E%2Fsecret%2Fkey /..%2fsecret/key /.%2e/secret/key \
        /sub/%2e%2e/%2e%2e/secret/key "/$scratch/secret/key" /dir-out/../secret/key \
        /proc/self/root/etc/passwd; do
        expect 404 "$path"
    done
    expect 400 /%00
    expect 400 /a.txt%
    expect 400 /a.txt%2
    expect 400 /a.txt%zz
    expect 400 /a.txt%00.html
}

# Paths put together at random from pieces that could lead out.
check_outside_at_random() {
    local pieces=(.. %2e%2e .%2e sub deep secret key dir-out link-out / // %2f %5c . a.txt) i n path
    RANDOM=$((${TEST_SEED:-$$}))
    for ((i = 0; i < 150; i++)); do
        path=
        for ((n = 0; n < 6; n++)); do path+=/${pieces[RANDOM % ${#pieces[@]}]}; done
        url "$path"
        echo "output = body.$n"
    done >paths
    sed -n 's/^http/url = http/p' paths >config
    curl -s --path-as-is -K config >all || fail "a request at random failed"
    ! grep -q SECRET all || fail "a path at random led out: see $(cat paths)"
}

check_ranges() {
    local from
    for from in 0-0 5-9 999999-999999 999990-; do
        expect 206 /big.bin -r $from
        curl -s -r $from "file://$scratch/www/big.bin" | cmp -s - body || fail "range $from"
    done
    expect_header Content-Range 'bytes 999990-999999/1000000'
    expect 206 /big.bin -r -10
    tail -c 10 www/big.bin | cmp -s - body || fail "the last ten bytes"
    expect 206 /big.bin -r 100-99999999
    expect_header Content-Length 999900
    expect 416 /big.bin -r 1000000-
    expect_header Content-Range 'bytes */1000000'
    expect 416 /empty -r 0-
    expect 200 /big.bin -r 0-1,5-6
    expect 200 /big.bin -r 9-5
    expect 200 /big.bin -H 'Range: lines=1-2'
    expect 200 /big.bin -H 'Range: bytes=99999999999999999999-'
    get /big.bin >status
    local tag date
    tag=$(header ETag) date=$(header Last-Modified)
    expect 304 /big.bin -H "If-None-Match: \"x\", $tag"
    [ ! -s body ] || fail "304 has a body"
    expect 200 /big.bin -H 'If-None-Match: "x"'
    expect 304 /big.bin -H "If-Modified-Since: $date"
    expect 206 /big.bin -r 0-1 -H "If-Range: $tag"
    expect 200 /big.bin -r 0-1 -H 'If-Range: "other"'
}

# Sends text as it is; prints all that comes until the server ends the connection.
raw() { # TEXT, with printf's escapes
    connect
    # shellcheck disable=SC2059
    printf "$1" >&3
    rest
    disconnect
}

statuses() {
    grep -a -o '^HTTP/1.1 [0-9]*' | cut -d' ' -f2 | tr '\n' ' '
}

expect_raw() { # STATUSES TEXT
    local got
    got=$(raw "$2" | statuses)
    [ "$got" = "$1 " ] || fail "statuses '$got', not '$1 ', for: ${2:0:100}"
}

check_protocol() {
    local get='GET /a.txt HTTP/1.1\r\nHost: x\r\n' long
    long=$(printf 'x%.0s' {1..9000})
    curl -s -v -o /dev/null "$(url /a.txt)" -o /dev/null "$(url /)" 2>client.out
    grep -q -i 're-using existing connection' client.out || fail "curl could not keep the connection"
    # Pipelined: all answers, in order; what follows a request that closes is not answered.
    expect_raw '200 404 200' "$get\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n${get}Connection: close\r\n\r\n$get\r\n"
    [ "$(raw "$get\r\nGET /sub/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" | grep -c -E '^(hello|in sub)$')" = 2 ] ||
        fail "pipelined answers"
    expect_raw 200 'GET /a.txt HTTP/1.0\r\n\r\n'
    raw 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n' | statuses >client.out
    grep -q '^200 200 $' client.out || fail "HTTP/1.0 with keep-alive"
    expect_raw 400 'GET /a.txt HTTP/1.1\r\n\r\n'
    expect_raw 400 "${get}Host: y\r\n\r\n"
    expect_raw 400 'garbage\r\n\r\n'
    expect_raw 400 '\x16\x03\x01\x02\r\n'
    expect_raw 505 'GET / HTTP/3.0\r\nHost: x\r\n\r\n'
    expect_raw 431 "${get}X: $long\r\n\r\n"
    expect_raw 405 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n'
    expect_raw '200' "${get}Content-Length: 50\r\n\r\n$get\r\n"
    expect_raw '200' "${get}Transfer-Encoding: chunked\r\n\r\n$get\r\n"
    expect_raw 405 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n'
    expect_raw 400 "GET a.txt HTTP/1.1\r\nHost: x\r\n\r\n"
    expect_raw 200 "GET http://x/a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
}

# --- slow clients ---

drip() {
    printf 'GET / HTTP/1.1\r\nHost: ' >&3
    while printf 'x' >&3; do sleep 0.05; done
}

# A byte now and then, for ever: it is answered with 408 and left, though each byte came in time.
check_slow_head() {
    connect
    drip 2>/dev/null &
    clients=($!)
    rest >client.out
    disconnect
    kill "${clients[0]}" 2>/dev/null
    wait "${clients[0]}"
    clients=()
    [ "$(statuses <client.out)" = '408 ' ] || fail "no 408 for a client that drips"
}

# The head is begun and left alone.
check_silent_head() {
    [ "$(raw 'GET / HTTP/1.1\r\nHost:' | statuses)" = '408 ' ] || fail "no 408 for half a head"
}

check_silence() {
    [ -z "$(raw '')" ] || fail "an answer without a question"
    [ "$(raw 'GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n' | statuses)" = '200 ' ] || fail "keep-alive"
}

# Asks for much and takes nothing: its connection and file are given up.
check_slow_reader() {
    connect
    for _ in {1..40}; do printf 'GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n' >&3; done
    eventually has_open big.bin
    eventually has_connections 0
    ! has_open big.bin || fail "the file of who was given up is open"
    disconnect
}

has_open() { # FILE
    readlink "/proc/$server/fd/"* 2>/dev/null | grep -q "$1"
}

# --- stopping ---

is_in_flight() { # FILE, that a client writes
    [ -s "$1" ]
}

download_slowly() { # FILE
    curl -s --limit-rate 20M -o "$1" "$(url /huge.bin)" &
    clients=($!)
    eventually is_in_flight "$1"
}

check_graceful_stop() {
    start_server --grace 1000 www
    connect # idle: it must not hold the server up
    download_slowly slow.bin
    has_open huge.bin || fail "the download is over too soon"
    stop_server
    [ -z "$(rest)" ] || fail "an answer on an idle connection"
    disconnect
    wait "${clients[0]}" || fail "the download was cut off"
    clients=()
    cmp -s slow.bin www/huge.bin || fail "the download came changed"
    ! curl -s -o /dev/null "$(url /)" || fail "it accepts after it has stopped"
    grep -q '"GET /huge.bin HTTP/1.1" 200 30000000' server.out || fail "no line in the log"
}

# A client that takes too long does not hold it up for ever: not past the grace, nor a second signal.
check_hard_stop() { # GRACE SIGNALS
    start_server --grace "$1" www
    connect
    for _ in {1..40}; do printf 'GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n' >&3; done
    eventually has_open big.bin
    kill -TERM "$server"
    if [ "$2" = 2 ]; then
        eventually refuses
        kill -INT "$server"
    fi
    await_server 0
    disconnect
}

refuses() {
    ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

# --- load ---

check_load() {
    start_server www
    local lines
    if has ab; then
        ab -q -k -n 2000 -c 20 "$(url /a.txt)" >client.out 2>&1 || fail "ab: $(cat client.out)"
        grep -q '^Failed requests: *0$' client.out && grep -q '^Complete requests: *2000$' client.out ||
            fail "ab: $(cat client.out)"
    fi
    if has wrk; then
        wrk -t1 -c20 -d1s "$(url /a.txt)" >client.out 2>&1 || fail "wrk: $(cat client.out)"
        ! grep -E 'Non-2xx|Socket errors' client.out || fail "wrk: $(cat client.out)"
    fi
    if has h2load; then
        h2load --h1 -n 2000 -c 10 -m 5 "$(url /a.txt)" >client.out 2>&1
        grep -q '2000 succeeded, 0 failed, 0 errored' client.out || fail "h2load: $(cat client.out)"
    fi
    stop_server
    lines=$(grep -c '"GET /a.txt HTTP/1.[01]" 200 6$' server.out)
    ! command -v ab >/dev/null || [ "$lines" -ge 2000 ] || fail "$lines lines in the log"
    [ -z "$(grep -v -E '^127.0.0.1 - - \[[^]]*\] "GET /a.txt HTTP/1.[01]" 200 6$' server.out)" ] ||
        fail "a line of the log is broken: $(grep -v -E 'HTTP/1.[01]" 200 6$' server.out | head -n 3)"
}

# More clients than descriptors: none is lost, it goes on.
check_few_descriptors() {
    local i fds=()
    start_server_with 100 --quiet www
    for ((i = 0; i < 60; i++)); do
        exec {fd}<>"/dev/tcp/127.0.0.1/$port" || fail "connection $i"
        fds+=("$fd")
    done
    for fd in "${fds[@]}"; do exec {fd}>&-; done
    expect 200 /a.txt
    stop_server
}

check_command_line() {
    local arguments
    for arguments in '' 'www www' '--port x www' '--port 65536 www' '--port -1 www' '--workers 0 www' \
        '--head-time 0 www' '--grace x www' '--bogus www'; do
        # shellcheck disable=SC2086
        "$program" $arguments >client.out 2>&1 </dev/null
        [ $? = 2 ] || fail "accepted: $arguments"
    done
    "$program" --port 0 nothing-here 2>client.out
    [ $? = 1 ] || fail "no such directory"
    "$program" --help >client.out || fail "help"
}

make_tree
check_command_line
start_server www
check_files
expect 200 /link-in
expect 200 //sub/./../a.txt
check_outside
check_outside_at_random
check_ranges
check_protocol
stop_server

start_server --no-links --quiet --workers 1 www
check_files
expect 404 /link-in
check_outside_at_random
expect 404 /dir-out/key
expect 404 /sub/../../secret/key
stop_server
[ ! -s server.out ] || fail "a log in spite of --quiet"

start_server --head-time 0.3 --idle-time 0.3 --send-time 0.3 www
check_slow_head
check_silent_head
check_silence
check_slow_reader
expect 200 /a.txt
stop_server

check_graceful_stop
check_hard_stop 0.2 1
check_hard_stop 1000 2
check_load
check_few_descriptors
exit 0
