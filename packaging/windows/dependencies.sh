#!/usr/bin/env bash
# Builds the libraries for Windows from Debian's source packages: about 20 minutes on two cores, and then only what a change
# concerns. They are outside the checkout and are found through build/windows-prefix. Begun again, it goes on where it stopped.
#
# Each library has a folder of its own, libraries/NAME-KEY: its key is of all that it is built from. It is installed aside
# and moved to its name when it is whole. prefixes/KEY is composed of them, by hard links. What no key names any more may stay.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

names=(abseil re2 c-ares openssl protobuf grpc boost1.81 sqlite3 pugixml fmtlib cli11 tl-expected googletest)
declare -A needs=([grpc]='abseil re2 c-ares openssl protobuf')
# In these the version must match the native code generator's; the others' headers are the native package's.
declare -A native=([protobuf]=protobuf-compiler [grpc]=libgrpc++-dev [tl-expected]=libexpected-dev [googletest]=googletest)

cache=${XDG_CACHE_HOME:-$HOME/.cache}/rdpmend/windows
root=$PWD
toolchain=$root/packaging/windows/toolchain.cmake
host=x86_64-w64-mingw32
work=$cache/work
needed=$work/needed  # The libraries that the one being built needs, together.
export CCACHE_NOHASHDIR=true CCACHE_BASEDIR=$work
apt_options=(-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$work/lists")

# The machine's own Debian sources, as deb-src, in a list of ours: the machine's configuration stays as it is.
list_sources() {
  mkdir -p "$work/lists/partial"
  apt-get indextargets --format '$(ORIGIN) $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u |
    sed -n 's/^Debian /deb-src /p' >"$work/sources.list"
  [[ -s $work/sources.list ]] || fail "no Debian package source is known: apt-get update"
  apt-get "${apt_options[@]}" update
}

# Unpacks the source package NAME into $work/NAME, with our patches. Some mirrors lose the small files of a package when its
# next security update comes: then the same upstream version is built without Debian's patches.
unpack() {
  local download=$work/$1.download
  rm -rf "${work:?}/$1" "$download"
  mkdir -p "$download" "$work/$1"
  cd "$download"
  if apt-get "${apt_options[@]}" source --download-only "$1"; then
    rm -rf "${work:?}/$1"
    dpkg-source --no-check --extract ./*.dsc "$work/$1"
  else
    echo "trying the upstream source of $1 alone"
    apt-get "${apt_options[@]}" source --download-only --tar-only "$1"
    tar -xf ./*.orig.tar.[gx]z --strip-components=1 -C "$work/$1"
  fi
  cd "$root"
  # What was really taken, for the list of what is delivered: without a revision of Debian's it is the upstream source.
  find "$download" -name '*.dsc' -exec sed -n 's/^Version: //p' {} + >"$prefix/share/rdpmend/$1.version"
  if [[ ! -s $prefix/share/rdpmend/$1.version ]]; then
    find "$download" -name '*.orig.tar.?z' -printf '%f\n' | sed 's/^[^_]*_//; s/\.orig\..*//' >"$prefix/share/rdpmend/$1.version"
  fi
  rm -rf "$download"
  local patch
  for patch in packaging/windows/patches/"$1"/*.patch; do
    if [[ -e $patch ]]; then patch --directory "$work/$1" --strip 1 --fuzz 0 --forward <"$patch"; fi
  done
}

# usage: with_cmake NAME [OPTION...]: configures, builds and installs $work/NAME.
with_cmake() {
  local name=$1
  shift
  cmake -S "${source:-$work/$name}" -B "$work/$name-build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$toolchain" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
    -DCMAKE_CXX_STANDARD=17 -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF "$@"
  cmake --build "$work/$name-build"
  cmake --install "$work/$name-build"
}

build_abseil() { with_cmake abseil -DABSL_PROPAGATE_CXX_STD=ON; }

# Debian's source comes without the generated tables.
build_re2() {
  make -C "$work/re2" REBUILD_TABLES=1 re2/perl_groups.cc re2/unicode_groups.cc re2/unicode_casefold.cc
  with_cmake re2 -DRE2_BUILD_TESTING=OFF
}

build_c_ares() {
  with_cmake c-ares -DCARES_STATIC=ON -DCARES_SHARED=OFF -DCARES_BUILD_TOOLS=OFF \
    -DCMAKE_C_FLAGS='-DINADDRSZ=4 -DIN6ADDRSZ=16 -DINT16SZ=2'
}

# Without the define it links against Wspiapi names that do not exist.
build_openssl() {
  (
    cd "$work/openssl"
    ./Configure mingw64 --cross-compile-prefix=$host- --prefix="$prefix" --libdir=lib no-shared no-tests -D_WIN32_WINNT=0x0A00
    make -j "$(nproc)" CC="ccache $host-gcc" build_libs
    make install_dev
  )
}

# gRPC's CMake wants libprotoc, although the native protoc generates the code.
build_protobuf() { with_cmake protobuf -Dprotobuf_BUILD_TESTS=OFF -Dprotobuf_WITH_ZLIB=OFF; }

build_grpc() {
  local providers=() plugins=() name
  for name in ABSL CARES PROTOBUF RE2 SSL ZLIB; do providers+=("-DgRPC_${name}_PROVIDER=package"); done
  for name in CPP CSHARP NODE OBJECTIVE_C PHP PYTHON RUBY; do plugins+=("-DgRPC_BUILD_GRPC_${name}_PLUGIN=OFF"); done
  with_cmake grpc "${providers[@]}" "${plugins[@]}" -DgRPC_BUILD_TESTS=OFF -DgRPC_BUILD_CSHARP_EXT=OFF -DgRPC_INSTALL=ON \
    -DProtobuf_PROTOC_EXECUTABLE=/usr/bin/protoc -DProtobuf_PROTOC_LIBRARY="$needed/lib/libprotoc.a" -DOPENSSL_ROOT_DIR="$needed"
}

# The source package has no b2 engine: Debian's own is used.
build_boost1_81() {
  (
    cd "$work/boost1.81"
    echo "using gcc : mingw : ccache $host-g++-posix : <compileflags>-D_WIN32_WINNT=0x0A00 ;" >user-config.jam
    b2 -j "$(nproc)" -d1 --user-config=user-config.jam --ignore-site-config --layout=system --prefix="$prefix" \
      --with-log --with-thread --with-filesystem --with-date_time --with-chrono --with-atomic --with-regex --with-system \
      toolset=gcc-mingw target-os=windows threadapi=win32 address-model=64 architecture=x86 abi=ms binary-format=pe \
      link=static runtime-link=static variant=release threading=multi cxxstd=20 install
  )
}

# The one file that SQLite's authors recommend to build: https://sqlite.org/amalgamation.html
build_sqlite3() {
  mkdir -p "$work/sqlite3-build" "$prefix/lib" "$prefix/include"
  (cd "$work/sqlite3-build" && "$work/sqlite3/configure" && make sqlite3.c)
  (
    cd "$work/sqlite3-build"
    ccache $host-gcc -O2 -D_WIN32_WINNT=0x0A00 -DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION -c sqlite3.c -o sqlite3.o
    $host-ar rcs "$prefix/lib/libsqlite3.a" sqlite3.o
    install -m 644 sqlite3.h sqlite3ext.h "$prefix/include"
  )
}

build_pugixml() { with_cmake pugixml; }
build_fmtlib() { with_cmake fmtlib -DFMT_TEST=OFF -DFMT_DOC=OFF; }
build_cli11() { with_cmake cli11 -DCLI11_BUILD_TESTS=OFF -DCLI11_BUILD_EXAMPLES=OFF -DCLI11_BUILD_DOCS=OFF; }

# Headers only: the native package's.
build_tl_expected() {
  local file
  dpkg -L libexpected-dev | grep -E '^/usr/(include|lib|share)/.*\.(hpp|cmake)$' | while read -r file; do
    install -D -m 644 "$file" "$prefix/${file#/usr/}"
  done
}

# Debian ships it as sources.
build_googletest() { source=/usr/src/googletest with_cmake googletest; }

key() {  # NAME: of what it is built from.
  local recipe part
  recipe=$(
    declare -f "build_${1//[-.]/_}"
    cat packaging/windows/toolchain.cmake
    $host-g++-posix --version
    [[ -z ${native[$1]:-} ]] || dpkg-query -W "${native[$1]}"
    for part in packaging/windows/patches/"$1"/*.patch; do [[ ! -e $part ]] || cat "$part"; done
    for part in ${needs[$1]:-}; do key "$part"; done
  )
  [[ $recipe != *with_cmake* ]] || recipe+=$(declare -f with_cmake)
  sha256sum <<<"$recipe" | cut -c 1-12
}

# usage: compose FOLDER NAME...: puts the libraries together in a new folder, by hard links.
compose() {
  local folder=$1 name
  shift
  rm -rf "$folder"
  mkdir -p "$folder"
  for name in "$@"; do cp -al "${folders[$name]}/." "$folder"; done
}

one() {  # NAME: of a source package.
  local function=build_${1//[-.]/_}
  [[ -s $work/sources.list ]] || list_sources
  mkdir -p "$prefix/share/rdpmend"
  case $1 in
    tl-expected | googletest) dpkg-query -W -f '${source:Version}\n' "${native[$1]}" >"$prefix/share/rdpmend/$1.version" ;;
    *) unpack "$1" ;;
  esac
  "$function"
  rm -rf "${work:?}/$1" "$work/$1-build"
}

mkdir -p "$cache/libraries" "$cache/prefixes" "$work" build
exec {lock}>"$cache/lock"  # One folder for all checkouts of this user.
flock --nonblock "$lock" || { say 'waiting for another dependencies.sh' && flock "$lock"; }

declare -A folders
for name in "${names[@]}"; do folders[$name]=$cache/libraries/$name-$(key "$name"); done
number=0
for name in "${names[@]}"; do
  number=$((number + 1))
  [[ -e ${folders[$name]} ]] && continue
  say "library $number of ${#names[@]}: $name"
  prefix=${folders[$name]}.part
  rm -rf "$prefix"
  # shellcheck disable=SC2086  # Words.
  compose "$needed" ${needs[$name]:-}
  # A function called under || runs without -e: a shell of its own keeps it.
  export -f one unpack list_sources with_cmake "build_${name//[-.]/_}"
  export prefix work root toolchain host needed RDPMEND_WINDOWS_PREFIX=$needed
  quietly "$cache/logs/$name.log" bash -c "$(declare -p apt_options native); set -euo pipefail; one $name" ||
    fail "library $name could not be built; run packaging/windows/dependencies.sh again once it is mended"
  mv "$prefix" "${folders[$name]}"
done
rm -rf "$work"

all=$cache/prefixes/$(for name in "${names[@]}"; do
  basename "${folders[$name]}"
  cat "${folders[$name]}"/share/rdpmend/*.version
done | sha256sum | cut -c 1-12)
if [[ ! -e $all ]]; then
  compose "$all.part" "${names[@]}"
  mv "$all.part" "$all"
fi
if [[ $(readlink build/windows-prefix) != "$all" ]]; then
  ln -sfn "$all" build/windows-prefix
  rm -f build/windows-*/.ninja_log  # Dates say nothing about other libraries at the same place: all is asked of ccache again.
fi
say "Windows libraries: $all"
