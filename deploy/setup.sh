# Sourced by deploy/serve and deploy/test, from the repository's root: checks for Swift and installs the C libraries.
# shellcheck shell=bash

readonly minimum_swift="6.2"
readonly libraries=(
    libopenblas-dev libpng-dev libjpeg-dev libwebp-dev zlib1g-dev libcmark-gfm-dev libcmark-gfm-extensions-dev
)

fail() {
    echo "martlet: $*" >&2
    exit 1
}

# Succeeds when the version $1 is at least $2, both as MAJOR.MINOR.
is_at_least() {
    ((${1%%.*} > ${2%%.*} || (${1%%.*} == ${2%%.*} && ${1#*.} >= ${2#*.})))
}

require_swift() {
    local advice="install one with swiftly (https://www.swift.org/install/linux) and put it on PATH"
    command -v swift > /dev/null || fail "needs Swift $minimum_swift or newer and found none: $advice"
    local found
    found=$(swift --version 2> /dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p')
    [[ -n $found ]] || fail "'swift --version' prints no version: $advice"
    is_at_least "$found" "$minimum_swift" || fail "needs Swift $minimum_swift or newer and found $found: $advice"
}

missing_packages() {
    local package
    for package in "$@"; do
        if [[ $(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2> /dev/null) != installed ]]; then
            echo "$package"
        fi
    done
}

# Installs what is missing of the packages $2…; $1 says what needs them, where there is no apt.
install_packages() {
    if ! command -v apt-get > /dev/null; then
        echo "martlet: no apt here; $1" >&2
        return
    fi
    local missing as_root=()
    mapfile -t missing < <(missing_packages "${@:2}")
    ((${#missing[@]} > 0)) || return 0
    if ((EUID != 0)); then
        command -v sudo > /dev/null || fail "needs ${missing[*]}: install them as root with apt-get"
        as_root=(sudo)
    fi
    echo "martlet: installing ${missing[*]} with apt-get${as_root:+, through sudo}" >&2
    "${as_root[@]}" apt-get update --quiet
    # No package starts a service of its own meanwhile: see invoke-rc.d(8).
    local policy=/usr/sbin/policy-rc.d
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends \
        -o "DPkg::Pre-Invoke::=[ -e $policy ] || install -m 755 '$PWD/deploy/start-nothing' $policy" \
        -o "DPkg::Post-Invoke::=! cmp --quiet '$PWD/deploy/start-nothing' $policy || rm $policy" \
        "${missing[@]}"
}

require_swift
install_packages "the build needs the development files of OpenBLAS, libpng, libjpeg, libwebp, zlib and cmark-gfm" "${libraries[@]}"
