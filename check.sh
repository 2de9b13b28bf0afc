#!/usr/bin/env bash
# Runs every check that a change must pass, and installs what the checks need first.
#
#   ./check.sh                 everything, as CI does
#   ./check.sh ./hmr ./server  these packages only (./client for the TypeScript)
#
#   FUZZTIME=1m ./check.sh     longer fuzzing (default 10s a target, 3s on a busy machine, 0 for none)
#   SKIP_INSTALL=1             installs nothing; a missing tool is then an error
set -euo pipefail
cd "$(dirname "$0")"
export LC_ALL=C # numbers with a point

if [ $# -eq 0 ]; then
  packages=(./server ./...) # the package that takes longest comes first, so that the others run beside it
  client=yes
  whole=yes
else
  packages=()
  client=no
  whole=no
  for arg in "$@"; do
    case "${arg%/}" in
      ./client | client) client=yes packages+=(./client) ;;
      ./*) packages+=("${arg%/}") ;;
      *) packages+=("./${arg%/}") ;;
    esac
  done
fi
began=$(date +%s)

# Seconds with a fraction where bash knows it.
now() { echo "${EPOCHREALTIME:-$(date +%s)}"; }

# step NAME COMMAND...: runs it, prints how long it took, and stops at a failure.
step() {
  local name=$1 from to
  shift
  printf '==> %s\n' "$name"
  from=$(now)
  if ! "$@"; then
    printf '\nFAILED: %s\n' "$name" >&2
    exit 1
  fi
  to=$(now)
  printf '    %s: %.1f s\n' "$name" "$(awk "BEGIN { print $to - $from }")"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "cannot run as root: $*" >&2
    return 1
  fi
}

# install APT DNF BREW: installs a tool by the package manager that is there; - means that it is not there by that one.
install() {
  local name
  [ -z "${SKIP_INSTALL:-}" ] || return 1
  if command -v apt-get >/dev/null; then
    name=$1
    [ "$name" != - ] || return 1
    # shellcheck disable=SC2086 # more than one package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $name >/dev/null ||
      { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $name >/dev/null; }
  elif command -v dnf >/dev/null; then
    name=$2
    [ "$name" != - ] || return 1
    # shellcheck disable=SC2086
    as_root dnf install -q -y $name
  elif command -v brew >/dev/null; then
    name=$3
    [ "$name" != - ] || return 1
    # shellcheck disable=SC2086
    brew install --quiet $name
  else
    return 1
  fi
}

has_browser() {
  local name
  [ -z "${DEVSERVER_BROWSER:-}" ] || [ "$DEVSERVER_BROWSER" = required ] || return 0
  for name in chromium-headless-shell chrome-headless-shell chromium chromium-browser google-chrome google-chrome-stable chrome; do
    if command -v "$name" >/dev/null; then return 0; fi
  done
  [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] || [ -x /Applications/Chromium.app/Contents/MacOS/Chromium ]
}

need_go() {
  command -v go >/dev/null || { echo "Go 1.26 or newer is needed: https://go.dev/dl/" >&2; return 1; }
  go version
}

# The headless shell of Chromium needs two thirds of the processor time. CI takes it even where another browser is.
need_browser() {
  { [ -z "${CI:-}" ] || command -v chromium-headless-shell >/dev/null; } && has_browser ||
    install chromium-headless-shell - - 2>/dev/null || has_browser ||
    install chromium chromium chromium && has_browser ||
    { echo "browser tests need Chromium or Chrome: install one, or name it in DEVSERVER_BROWSER" >&2; return 1; }
}

need_node() {
  command -v node >/dev/null && command -v npm >/dev/null || install "nodejs npm" "nodejs npm" node ||
    { echo "the client's tests need Node.js 20.19 or newer with npm" >&2; return 1; }
  echo "    node $(node --version)"
}

# The race detector is written in C on Linux.
need_cc() {
  [ "$(go env GOOS)" != linux ] || command -v "$(go env CC)" >/dev/null || install "gcc libc6-dev" gcc - ||
    { echo "the race detector needs a C compiler: install gcc" >&2; return 1; }
}

formatted() {
  local list
  list=$(git ls-files -co --exclude-standard '*.go' | while read -r f; do [ ! -f "$f" ] || gofmt -l "$f"; done)
  [ -z "$list" ] || { printf 'gofmt would change:\n%s\n' "$list" >&2; return 1; }
}

# All Go code is compiled once, with the race detector: what one step compiles, the next steps take from the build cache.
static() {
  local staticcheck
  staticcheck=$(go tool -n staticcheck) || return 1 # builds the tool itself, without the race detector
  CGO_ENABLED=1 GOFLAGS=-race "$staticcheck" "${packages[@]}"
}

# ./... leaves out testdata and bench, which is a module of its own.
vet_examples() {
  CGO_ENABLED=1 go vet -race ./testdata/apps/realtime/... ./testdata/apps/hello/... ./examples/*/devserver || return 1
  (cd bench && CGO_ENABLED=1 go vet -race ./...)
}

# Vets and tests. Without GORACE each test program sleeps for a second at its end.
race() {
  GORACE=atexit_sleep_ms=0 CGO_ENABLED=1 DEVSERVER_BROWSER=${DEVSERVER_BROWSER:-required} \
    go test -race -vet=all -timeout 30m "${packages[@]}"
}

# fuzz_one DIR TARGET OUT TIME: Go up to 1.26 sometimes takes the end of its own -fuzztime for a failure, mostly on a busy
# machine (https://go.dev/issue/75804). A finding it always writes to testdata/fuzz: a failure without such a file found nothing.
fuzz_one() {
  touch "$3.began"
  (cd "$1" && go test -run '^$' -fuzz "^$2\$" -fuzztime "$4" -parallel 1 . >"$3" 2>&1) && return
  grep -qx ' *context deadline exceeded' "$3" && ! grep -qE '^(panic|fatal error):|Failing input' "$3" &&
    [ -z "$(find "$1/testdata/fuzz/$2" -newer "$3.began" 2>/dev/null)" ] &&
    echo "its time ended during an input; nothing was found" >"$3"
}

# Each target has one worker, and as many run beside each other as there are processors. What one prints comes at its end.
fuzz() {
  local dir target text jobs failed fuzztime=$1
  jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
  text=$(mktemp -d)
  for dir in $(go list -f '{{.Dir}}' "${packages[@]}"); do
    for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$dir"/*_test.go 2>/dev/null); do
      while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n 2>/dev/null || sleep 0.2; done
      {
        local out="$text/$target-$(basename "$dir")"
        if ! fuzz_one "$dir" "$target" "$out" "$fuzztime"; then : >"$text/failed"; fi
        printf '    %s in %s\n%s\n' "$target" "${dir#"$PWD"/}" "$(grep -v '^fuzz: elapsed' "$out")"
      } &
    done
  done
  wait
  failed=no
  [ ! -e "$text/failed" ] || failed=yes
  rm -rf "$text"
  [ $failed = no ]
}

# npm_packages COMMAND...: installs by npm what the lock file says. npm writes .package-lock.json last; an older lock
# file means that nothing has changed since.
npm_packages() {
  [ node_modules/.package-lock.json -nt package-lock.json ] || npm "$@" --no-audit --no-fund --loglevel=error
}

client_packages() { (cd client && npm_packages ci); }
# The tools are native code in a package for each system, and the lock file has those of Linux only: `npm ci` refuses it,
# `npm install` takes its versions and looks up what it lacks.
tool_packages() { (cd testdata/tools && npm_packages install --no-save); }
plugin_packages() { (cd testdata/plugins && npm_packages install --no-save); }
# Both cover the whole repository: example apps, the panel, the Node host and the guides too.
client_formatted() { (cd client && npm run --silent formatted || { echo "run: cd client && npm run format" >&2; false; }); }
client_lint() { (cd client && npm run --silent lint); }
client_types() { (cd client && npx --no-install tsc --noEmit); }
client_tests() { (cd client && npm test --silent); }

step "go" need_go
step "format" formatted
step "C compiler" need_cc
step "browser" need_browser
step "staticcheck" static
[ $whole = no ] || step "vet examples" vet_examples
# Types and tests of the client come before the Go tests: some of those build apps with it.
if [ $client = yes ]; then
  step "node" need_node
  step "client packages" client_packages
  step "packages of test projects" tool_packages
  step "Vite plugins of test projects" plugin_packages
  step "format of TypeScript, JavaScript and Markdown" client_formatted
  step "lint of TypeScript and JavaScript" client_lint
  step "client types" client_types
  step "client tests" client_tests
fi
step "vet, and tests with the race detector and in a browser" race
# On a busy machine the rest has taken long: fuzzing is cut short there, so that the whole run ends in time.
fuzztime=10s
[ $(($(date +%s) - began)) -lt 480 ] || fuzztime=3s
fuzztime=${FUZZTIME:-$fuzztime}
case "$fuzztime" in 0 | 0s) ;; *) step "fuzz, $fuzztime each" fuzz "$fuzztime" ;; esac

total=$(($(date +%s) - began))
printf '\nall checks passed in %d min %d s\n' $((total / 60)) $((total % 60))
