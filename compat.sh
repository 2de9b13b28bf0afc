#!/usr/bin/env bash
# Counts the right values of the projects in testdata/compat, by area. It needs what ./check.sh has installed, and
# fetches nothing.
#
#   ./compat.sh                 all areas
#   ./compat.sh glob workers    these areas only
#   ./compat.sh --vite          the same projects, served by Vite
set -euo pipefail
cd "$(dirname "$0")/server" # go test prints the table only for the package of the current folder

areas=() flags=(-counts)
for arg in "$@"; do
  case "$arg" in
    --vite) flags+=(-vite) ;;
    *) areas+=("$arg") ;;
  esac
done
only=$(IFS='|' && echo "${areas[*]:-}")
DEVSERVER_BROWSER=required go test -run "^TestCompat\$/^(${only:-.*})\$" -count 1 -timeout 10m -args "${flags[@]}"
