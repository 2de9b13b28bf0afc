#!/usr/bin/env bash
# Counts the right values of the projects in testdata/compat, by area. It needs what ./check.sh has installed, and
# fetches nothing.
#
#   ./compat.sh                 all areas
#   ./compat.sh glob workers    these areas only
#   ./compat.sh --vite          the same projects, served by Vite
set -euo pipefail
cd "$(dirname "$0")/server" # in the package's folder, go test prints what a test prints

areas=() flags=(-counts)
for arg in "$@"; do
  case "$arg" in
    --vite) flags+=(-vite) ;;
    *) areas+=("$arg") ;;
  esac
done
only=$(IFS='|' && echo "${areas[*]:-}")
DEVSERVER_BROWSER=required go test -run "^TestCompat\$/^(${only:-.*})\$" -count 1 -timeout 10m . "${flags[@]}"
