# test: timeout=300
#
# echo sends each client what it has sent, whole, whatever the client is; one that takes nothing or
# breaks off disturbs no other; and it ends in order, with connections open.
example=echo
. "$SOURCE_DIR/tests/test_support/server.sh" || exit 1
skip_without_program

check_lines() {
    local text line
    connect
    for text in hello '' ' two  words ' $'\303\244\\n%s' "$(printf 'x%.0s' {1..10000})"; do
        printf '%s\n' "$text" >&3
        IFS= read -r -t 60 line <&3 || fail "no answer to '${text:0:50}'"
        [ "$line" = "$text" ] || fail "'${line:0:50}' for '${text:0:50}'"
    done
    disconnect
}

# Far more than sockets hold, by a client that reads while it writes.
check_much() {
    connect
    cat random >&3 &
    clients=($!)
    head -c "$(stat -c %s random)" <&3 | cmp - random || fail "much came back changed"
    wait "${clients[0]}" || fail "not all was taken"
    clients=()
    disconnect
}

# The client ends its direction at once; all that it has sent comes back, then the end.
check_half_close() {
    has nc || return
    timeout 60 nc -N 127.0.0.1 "$port" <random >client.out || fail "nc"
    cmp client.out random || fail "after a half-close not all came back"
    timeout 60 nc -N 127.0.0.1 "$port" </dev/null >client.out || fail "nc that sends nothing"
    [ ! -s client.out ] || fail "something for nothing"
}

check_telnet() {
    has curl || return
    local to
    exec {to}> >(exec curl -s -N "telnet://127.0.0.1:$port" >client.out)
    clients=($!)
    echo 'by telnet' >&"$to"
    eventually grep -q '^by telnet$' client.out
    kill "${clients[0]}"
    clients=()
    exec {to}>&-
}

# Opens as many connections, in fds, and sends to each its number.
open_many() { # NUMBER
    local i fd
    fds=()
    for ((i = 1; i <= $1; i++)); do
        exec {fd}<>"/dev/tcp/127.0.0.1/$port" || fail "connection $i"
        fds+=("$fd")
        echo "this is $i" >&"$fd"
    done
}

expect_own() { # NUMBER
    local line
    IFS= read -r -t 60 line <&"${fds[$1 - 1]}" || fail "no answer on connection $1"
    [ "$line" = "this is $1" ] || fail "connection $1 gets: $line"
}

# All are open at once, and each gets its own.
check_many() {
    local i fd
    open_many 200
    for i in {200..1}; do expect_own "$i"; done
    for fd in "${fds[@]}"; do exec {fd}>&-; done
}

# One that takes nothing has its connection full; others are served, and nothing of it is left when
# it has gone, which resets the connection.
check_breaking_off() {
    connect
    cat <random >&3 2>/dev/null &
    clients=($!)
    eventually takes_much
    check_lines_of_another
    kill "${clients[0]}"
    disconnect
    wait "${clients[0]}" 2>/dev/null
    clients=()
    eventually has_connections 0
}

takes_much() {
    [ "$(sed -n 's/^pos:[^0-9]*//p' "/proc/${clients[0]}/fdinfo/0")" -gt 1000000 ]
}

check_lines_of_another() {
    local other line
    exec {other}<>"/dev/tcp/127.0.0.1/$port"
    echo another >&"$other"
    IFS= read -r -t 60 line <&"$other" && [ "$line" = another ] || fail "another is held up"
    exec {other}>&-
}

# Ends with clients that wait, and one that is stuck.
check_stop() { # SIGNAL
    local idle line
    exec {idle}<>"/dev/tcp/127.0.0.1/$port"
    echo idle >&"$idle"
    IFS= read -r -t 60 line <&"$idle"
    connect
    cat <random >&3 2>/dev/null &
    clients=($!)
    eventually takes_much
    kill -"$1" "$server"
    await_server 0
    [ -z "$(timeout 60 cat <&"$idle")" ] || fail "more than was sent"
    wait "${clients[0]}" && fail "the server took all of what nobody reads"
    clients=()
    exec {idle}>&-
    disconnect
}

check_port_in_use() {
    "$program" --port "$port" 2>client.out </dev/null
    [ $? = 1 ] || fail "a second server on the same port"
    grep -q 'Address already in use' client.out || fail "the port in use is not told"
}

# More clients than descriptors: those that are let in are served, the others when there is room.
check_few_descriptors() {
    local i fd
    start_server_with 60
    open_many 80
    for i in {1..80}; do
        expect_own "$i"
        fd=${fds[i - 1]}
        exec {fd}>&-
    done
    stop_server
}

check_command_line() {
    local arguments
    for arguments in '--port x' '--port 65536' '--port -1' '--port' '--workers 0' '--bogus' 'operand'; do
        # shellcheck disable=SC2086
        "$program" $arguments >client.out 2>&1 </dev/null
        [ $? = 2 ] || fail "accepted: $arguments"
    done
    "$program" --help >client.out || fail "help"
}

head -c 20000000 /dev/urandom >random
check_command_line
for workers in 1 4; do
    start_server --workers $workers
    check_lines
    check_much
    check_half_close
    check_telnet
    check_many
    check_breaking_off
    check_port_in_use
    check_stop TERM
done
start_server
check_stop INT
check_few_descriptors
exit 0
