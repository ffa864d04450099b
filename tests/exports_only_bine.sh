# test: plain
# The names that the libraries define for others begin with bine_, all of them.
set -eu
cd "$BUILD_DIR"

# Prints the names in nm's output, of which there must be some.
names() {
    awk 'NF >= 3 { print $NF; found = 1 } END { exit !found }'
}

shared=$(nm --dynamic --defined-only libbine.so | names)
static=$(nm --extern-only --defined-only libbine.a | names)
strangers=$(grep -v '^bine_' <<<"$shared"$'\n'"$static" || true)
[ -z "$strangers" ] || { echo "exported, but not bine's own:" $strangers && exit 1; }

# No program is to link by a name that only the inside knows.
declared=$(cat "$SOURCE_DIR"/include/*.h "$SOURCE_DIR"/include/bine/*.h)
for name in $shared; do
    grep -qw "$name" <<<"$declared" || { echo "$name is exported, but in no public header" && exit 1; }
done

readelf --dynamic libbine.so | grep -q 'SONAME.*\[libbine\.so\.[0-9]*\]'
readelf --dynamic libbine.so | grep -q 'FLAGS_1.*NODELETE'
