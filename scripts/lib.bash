# shellcheck shell=bash
# lib.bash - what the scripts share: the tree, the cache, two words for talk. Source it first; it goes to the tree's root.
set -euo pipefail
shopt -s inherit_errexit

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Test servers, Python environments and peers live here, outside the tree, so that a new clone does not build them again.
QUERN_CACHE=${QUERN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/quern}
export QUERN_CACHE

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
    say "$*"
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -- "$@"
    fi
}
