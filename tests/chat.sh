# test: timeout=300
#
# In the chat room everybody sees what the others say, whole and in the same order; a slow client
# holds nobody up; names are told apart; and the room closes in order.
example=chat
. "$SOURCE_DIR/tests/test_support/server.sh" || exit 1
skip_without_program

declare -A to # descriptor of a client, by name

# Joins as NAME; what the client gets goes to the file NAME.
join_room() { # NAME
    local fd
    exec {fd}<>"/dev/tcp/127.0.0.1/$port" || fail "$1 cannot connect"
    : >"$1" # before somebody looks into it
    cat <&"$fd" >>"$1" &
    clients+=($!)
    to[$1]=$fd
    say_line "$1" "$1"
    eventually has_line "$1" '^\(Your name? \)\?\* \(here are\|nobody else\)'
}

say_line() { # NAME TEXT
    printf '%s\r\n' "$2" >&"${to[$1]}"
}

has_line() { # NAME PATTERN
    grep -q -a -- "$2" "$1"
}

lines_said() { # NAME
    grep -a '^<' "$1"
}

check_talk() {
    join_room ada
    join_room bob
    eventually has_line ada '^\* bob has come'
    eventually has_line bob 'here are: ada'
    say_line ada 'hello, everybody'
    eventually has_line bob '^<ada> hello, everybody.$'
    say_line bob $'\377\375\001tel\007net\377\363 \303\244'
    eventually has_line ada $'^<bob> telnet \303\244.$'
    ! has_line ada 'hello' || fail "ada hears herself"
    say_line bob /who
    eventually has_line bob '^\* here are: ada.$'
    say_line bob '/name ada'
    eventually has_line bob 'ada is somebody else'
    say_line bob '/name robert'
    eventually has_line ada '^\* bob is now robert'
    say_line bob '/nonsense'
    eventually has_line bob 'there are /who'
    say_line bob "$(printf 'x%.0s' {1..3000})"
    eventually has_line bob 'at most 512 bytes'
    say_line bob 'short again'
    eventually has_line ada '^<robert> short again'
    ! has_line ada xxxx || fail "a line that is too long was said"
    say_line bob /quit
    eventually has_line ada '^\* robert has left'
}

check_names() {
    local fd
    exec {fd}<>"/dev/tcp/127.0.0.1/$port"
    printf '%s\n' ada '' 'two words' '<x>' "$(printf 'x%.0s' {1..30})" late >&"$fd"
    [ "$(timeout 60 cat <&"$fd" | grep -a -c -e 'somebody else' -e '1 to 20 letters')" = 5 ] ||
        fail "wrong names were not refused five times"
    exec {fd}>&-
}

# Many talk at once: every listener gets all lines, in the same order.
check_order() {
    local i name
    for i in 1 2 3 4; do join_room "talker$i"; done
    join_room first
    join_room second
    for i in 1 2 3 4; do
        (for n in {1..50}; do echo "line $n of $i"; done >&"${to[talker$i]}") &
        clients+=($!)
    done
    for name in first second; do
        for i in 1 2 3 4; do eventually has_line $name "^<talker$i> line 50 of $i"; done
        [ "$(lines_said $name | wc -l)" = 200 ] || fail "$name has $(lines_said $name | wc -l) lines"
        for i in 1 2 3 4; do
            [ "$(lines_said $name | sed -n "s/.*line \([0-9]*\) of $i.*/\1/p" | tr '\n' ' ')" = "$(echo {1..50}) " ] ||
                fail "$name: the lines of talker $i are in disorder"
        done
    done
    lines_said first >said.first
    lines_said second >said.second
    cmp -s said.first said.second || fail "two listeners have different orders"
}

# One that does not read: others talk on, far more than its socket and the channel hold.
check_slow() {
    local slow text
    text=$(printf 'y%.0s' {1..400})
    join_room talker # first: what it runs behind would keep the slow one's connection open
    exec {slow}<>"/dev/tcp/127.0.0.1/$port"
    echo slow >&"$slow"
    eventually has_line ada '^\* slow has come'
    # ada, who reads, has all of it or is told what she missed
    (for _ in {1..20000}; do echo "$text"; done; echo 'the end') >&"${to[talker]}"
    eventually has_line ada '^<talker> the end'
    timeout 60 grep -a -q -m1 'you have missed [0-9]* lines' <&"$slow" || fail "the slow one is not told"
    exec {slow}>&-
    eventually has_line ada '^\* slow has left'
}

start_server
check_talk
check_names
check_order
check_slow
join_room last
exec 3<>"/dev/tcp/127.0.0.1/$port" # never says its name
stop_server
eventually has_line last '^\* the room is closed'
exit 0
