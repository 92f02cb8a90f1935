#!/usr/bin/env bash
# Builds the libraries for Windows from Debian's source packages, once per recipe: about 20 minutes on two cores.
# The result is outside the checkout and is found through build/windows-prefix. Begun again, it goes on where it stopped.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# The recipe: this file, the toolchain, the compiler, and what must match the native code generators.
recipe=$({
  cat packaging/windows/dependencies.sh packaging/windows/toolchain.cmake
  x86_64-w64-mingw32-g++-posix --version
  dpkg-query -W protobuf-compiler libgrpc++-dev
} | sha256sum | cut -c 1-16)
prefix=${XDG_CACHE_HOME:-$HOME/.cache}/rdpmend/windows/$recipe
work=$prefix/work
mkdir -p "$prefix/done" build
ln -sfn "$prefix" build/windows-prefix
if [[ -e $prefix/complete ]]; then
  say "Windows libraries are built: $prefix"
  exit 0
fi

root=$PWD
toolchain=$root/packaging/windows/toolchain.cmake
host=x86_64-w64-mingw32
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

# Unpacks the source package NAME into $work/NAME. Some mirrors lose the small files of a package when its next security
# update comes: then the same upstream version is built without Debian's patches.
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
  rm -rf "$download"
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
    -DProtobuf_PROTOC_EXECUTABLE=/usr/bin/protoc -DProtobuf_PROTOC_LIBRARY="$prefix/lib/libprotoc.a" -DOPENSSL_ROOT_DIR="$prefix"
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
  mkdir -p "$work/sqlite3-build"
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

one() {  # NAME: of a source package.
  local function=build_${1//[-.]/_}
  set -e
  mkdir -p "$work"
  [[ -s $work/sources.list ]] || list_sources
  case $1 in
    tl-expected | googletest) ;;
    *) unpack "$1" ;;
  esac
  "$function"
  touch "$prefix/done/$1"
  rm -rf "${work:?}/$1" "$work/$1-build"
}

names=(abseil re2 c-ares openssl protobuf grpc boost1.81 sqlite3 pugixml fmtlib cli11 tl-expected googletest)
number=0
for name in "${names[@]}"; do
  number=$((number + 1))
  [[ -e $prefix/done/$name ]] && continue
  say "library $number of ${#names[@]}: $name"
  # A function called under || runs without -e: a shell of its own keeps it.
  export -f one unpack list_sources with_cmake "build_${name//[-.]/_}"
  export prefix work root toolchain host
  quietly "$prefix/logs/$name.log" bash -c "$(declare -p apt_options); set -euo pipefail; one $name" ||
    fail "library $name could not be built; run packaging/windows/dependencies.sh again once it is mended"
done
rm -rf "$work"
touch "$prefix/complete"
say "built: $prefix"
