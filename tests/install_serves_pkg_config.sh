# test: plain
# What is installed below DESTDIR is complete: the program in README.md compiles by what pkg-config
# says, and runs, with the shared library and with the static one.
set -eu
command -v pkg-config >/dev/null || { echo "skipped: no pkg-config" && exit 0; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cd "$root"

DESTDIR=$root cmake --install "$BUILD_DIR" --prefix /opt/bine >install.log
awk '/^```c$/ { inside = 1; next } /^```$/ { exit } inside' "$SOURCE_DIR/README.md" >program.c

pc=$(find "$root" -name bine.pc)
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$root
[ "$(pkg-config --variable=prefix bine)" = "$root/opt/bine" ]
libdir=$(pkg-config --variable=libdir bine)

expected=$(awk '/^```text$/ { inside = 1; next } /^```$/ && inside { exit } inside' "$SOURCE_DIR/README.md")
$CC -Wall -Wextra -Werror program.c $(pkg-config --cflags --libs bine) -o shared
[ "$(LD_LIBRARY_PATH=$libdir ./shared)" = "$expected" ]
readelf --dynamic shared | grep -q 'NEEDED.*libbine\.so\.0'

unset PKG_CONFIG_SYSROOT_DIR
$CC -Wall -Wextra -Werror program.c -I"$root/opt/bine/include" \
    "$libdir/libbine.a" $(pkg-config --static --libs-only-other --libs-only-l bine | sed 's/-lbine//') -o static
[ "$(./static)" = "$expected" ]
