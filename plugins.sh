#!/usr/bin/env bash
# Plays the projects of testdata/plugins in a browser: Vite plugins from npm, edits, mistakes, restarts. It needs what
# ./check.sh has installed, and fetches nothing.
#
#   ./plugins.sh                 all projects
#   ./plugins.sh vue-ts mdx      these projects only
#   ./plugins.sh --vite          the same projects, served by their own Vite
#   ./plugins.sh --versions      prints the plugins and their versions
set -euo pipefail
cd "$(dirname "$0")"

projects=() flags=(-v)
for arg in "$@"; do
  case "$arg" in
    --vite) flags+=(-args -vite) ;;
    --versions)
      sed -n '/^| plugin /,/^$/p' docs/vite-plugins.md
      exit
      ;;
    *) projects+=("$arg") ;;
  esac
done
only=$(IFS='|' && echo "${projects[*]:-}")
DEVSERVER_SOAK=1 DEVSERVER_BROWSER=required go test ./server -run "^TestVitePlugins\$/^(${only:-.*})\$" -count 1 -timeout 20m "${flags[@]}" |
  grep -vE '^=== |^ok |^PASS$'
