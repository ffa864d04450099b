# For scripts that run a server of the examples and talk to it. Sourced; `example` is its name.
set -u
export LC_ALL=C
unset BINE_WORKERS
program=$BUILD_DIR/examples/$example
scratch=$(mktemp -d)
server=
port=
clients=()
as_server=() # what stands before the program on its command line
# A subshell that a signal ends before it has begun another program runs this, too.
trap 'case $BASHPID in $$) kill -KILL ${server:+"$server"} "${clients[@]}" 2>/dev/null; rm -rf "$scratch" ;; esac' EXIT
cd "$scratch" || exit 1

fail() {
    echo "FAILED: $*" >&2
    head -c 3000 server.err client.out >&2
    exit 1
}

skip_without_program() {
    if [ ! -x "$program" ]; then
        echo "$example was not built: not tested"
        exit 0
    fi
    if grep -q -a __tsan_init "$program"; then
        # The thread sanitizer keeps a signal back until the thread makes a call that it intercepts,
        # and a main thread that waits in bine makes none. One that is masked takes the other way.
        as_server=(env --block-signal=TERM --block-signal=INT)
        "${as_server[@]}" true 2>/dev/null && return
        echo "the thread sanitizer holds signals back: not tested with it"
        exit 0
    fi
}

has() { # CLIENT
    command -v "$1" >/dev/null && return
    echo "no $1 on this machine: not tested with it"
    return 1
}

# Waits until the command succeeds.
eventually() { # COMMAND...
    local i
    for ((i = 0; i < 3000; i++)); do
        "$@" && return
        sleep 0.01
    done
    fail "never: $*"
}

says_port() {
    port=$(sed -n 's/.*:\([0-9]\+\)$/\1/p' server.err)
    [ -n "$port" ] && return
    kill -0 "$server" 2>/dev/null || fail "the server has ended: $(cat server.err)"
    return 1
}

# Starts the server on a free port, which is in $port afterwards.
start_server() { # ARGUMENT...
    start_server_with "" "$@"
}

# The same, with so many descriptors at most; empty: as many as there may be.
start_server_with() { # DESCRIPTORS ARGUMENT...
    local most=$1
    shift
    : >server.err # what the one before said is over
    (
        [ -z "$most" ] || ulimit -n "$most" || exit
        exec "${as_server[@]}" "$program" --port 0 "$@" >server.out 2>server.err </dev/null
    ) &
    server=$!
    eventually says_port
}

has_ended() {
    [ ! -d "/proc/$server" ] || grep -q '^State:.*Z' "/proc/$server/status" 2>/dev/null
}

# The server must end by itself, with that status.
await_server() { # STATUS
    local status
    eventually has_ended
    wait "$server"
    status=$?
    server=
    [ "$status" = "$1" ] || fail "the server's exit status is $status, not $1"
}

stop_server() {
    kill -TERM "$server"
    await_server 0
}

# The server has that many sockets, beside the one it listens on.
has_connections() { # NUMBER
    [ "$(find "/proc/$server/fd" -lname 'socket:*' 2>/dev/null | wc -l)" = $(($1 + 1)) ]
}

# Opens a connection as descriptor 3.
connect() {
    exec 3<>"/dev/tcp/127.0.0.1/$port" || fail "cannot connect"
}

disconnect() {
    exec 3>&-
}

# Prints what the server sends until it ends the connection; a minute is a hang.
rest() {
    timeout 60 cat <&3
}
