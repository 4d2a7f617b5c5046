#!/bin/bash
# Installs the Debian packages of test-packages.txt that are missing; does nothing when all are there.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
list=${1:-$here/test-packages.txt}
policy=/usr/sbin/policy-rc.d

node_is_new_enough() {
    command -v node >/dev/null && node -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit(major > 18 || (major === 18 && minor >= 20) ? 0 : 1);'
}

wanted() {
    local package node_found=no
    if node_is_new_enough; then node_found=yes; fi
    while read -r package; do
        case $package in
            nodejs) if [ $node_found = yes ]; then continue; fi ;;
            npm) if [ $node_found = yes ] && command -v npm >/dev/null; then continue; fi ;;
        esac
        printf '%s\n' "$package"
    done < <(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$list")
}

is_installed() {
    [ "$(dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null)" = 'install ok installed' ]
}

missing=()
while read -r package; do
    is_installed "$package" || missing+=("$package")
done < <(wanted)

if [ ${#missing[@]} -eq 0 ]; then
    echo "All packages of $(basename "$list") are installed."
    exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
    echo "Missing: ${missing[*]}. As root, run:" >&2
    echo "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

# The tests start these servers themselves: nothing is to be started by the installation.
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
fi

export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update
apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "${missing[@]}"
