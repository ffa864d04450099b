# test: plain
# Folders in src/ are layers: a file includes headers of its own layer or of an earlier one, never of
# a later one. A public header belongs to the layer that makes good on it.
set -eu
cd "$SOURCE_DIR"
layers=(base arch stack time poll sched sync chan io parallel diag)

declare -A rank
for i in "${!layers[@]}"; do
    rank[${layers[i]}]=$i
done
declare -A layer_of_public=(
    [base]=base [time]=time [task]=sched [pool]=sched [scope]=sched [sync]=sync [chan]=chan
    [select]=chan [broadcast]=chan [watch]=chan [oneshot]=chan [box]=chan
    [io]=io [reader]=io [signal]=io [process]=io [parallel]=parallel [diag]=diag
)

failures=0
fail() {
    echo "$1"
    failures=$((failures + 1))
}

# Prints the layer of what stands between "" or <>; nothing for the system's headers.
layer_of() {
    case $1 in
    \"bine.h\" | \<bine.h\>) echo diag ;;
    \"bine/*.h\" | \<bine/*.h\>) name=${1#?bine/} && echo "${layer_of_public[${name%.h?}]-unknown}" ;;
    \"*/*\") name=${1#?} && echo "${name%%/*}" ;;
    \"*\") echo unknown ;; # a folder says where it lies
    esac
}

includes=0
while IFS=: read -r file line include; do
    own=${file#src/} own=${own%%/*}
    [ -n "${rank[$own]-}" ] || { fail "$file: $own is no layer" && continue; }
    header=$(sed -E 's/^[^"<]*(["<][^">]*[">]).*/\1/' <<<"$include")
    layer=$(layer_of "$header")
    [ -n "$layer" ] || continue
    includes=$((includes + 1))
    if [ -z "${rank[$layer]-}" ]; then
        fail "$file:$line: no layer is known for $header"
    elif [ "${rank[$layer]}" -gt "${rank[$own]}" ]; then
        fail "$file:$line: $own includes $header, of the later layer $layer"
    fi
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' src --include='*.[chS]')

[ "$includes" -gt 0 ] || fail "no include was found"
exit $((failures > 0))
