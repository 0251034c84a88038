#!/bin/bash
# Builds dist/mailwatch_VERSION_all.deb from a clean copy of this tree, bit for bit the same each time.
set -euo pipefail

# Another python first on PATH (a venv's, pyenv's) breaks pybuild.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C.UTF-8
umask 022
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV MAKEFLAGS MAKELEVEL MFLAGS DEB_BUILD_OPTIONS DEB_BUILD_PROFILES

top=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$top/dist}
say() { echo "build-deb: $*" >&2; }

needs=(dpkg-dev)
for package in $(sed -n '/^Build-Depends:/,/^[^ ]/ s/^ \([a-z0-9-]*\).*/\1/p' "$top/packaging/debian/control"); do
    case $package in
        debhelper-compat) needs+=(debhelper) ;;
        dh-sequence-installsysusers) ;;         # is in debhelper itself
        dh-sequence-python3) needs+=(dh-python) ;;
        *) needs+=("$package") ;;
    esac
done
"$top/.ci/apt" "${needs[@]}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(dpkg-parsechangelog -l "$top/packaging/debian/changelog" -S Version)
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l "$top/packaging/debian/changelog" -S Timestamp)
export SOURCE_DATE_EPOCH
stage=$work/mailwatch-$version
mkdir "$stage"

# What git knows or would add; without git (a tarball) everything but what builds leave behind.
# Times and modes are set here, so that neither a checkout's hour nor its umask is seen.
cd "$top"
if git -c safe.directory="$top" ls-files -z --cached --others --exclude-standard >"$work/files" 2>/dev/null; then
    while IFS= read -r -d '' file; do
        if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\0' "$file"; fi
    done <"$work/files" | sort -z >"$work/present"
else
    find . \( -name .git -o -name .venv -o -name .cache -o -name build -o -name dist -o -name __pycache__ -o -name '.*_cache' \
        -o -name '*.egg-info' \) -prune -o -type f -print0 | sort -z >"$work/present"
fi
tar --null --no-recursion -T "$work/present" --mtime="@$SOURCE_DATE_EPOCH" --mode=u=rwX,go=rX -c | tar -x -C "$stage"
cp -a "$stage/packaging/debian" "$stage/debian"

cd "$stage"
# What is needed was seen to above; dpkg's own check would ask for a C compiler too.
if ! dpkg-buildpackage --no-check-builddeps --no-sign --build=binary >"$work/log" 2>&1; then
    cat "$work/log" >&2
    say "the build failed; its output stands above."
    exit 1
fi
mkdir -p "$out"
cp "$work/mailwatch_${version}_all.deb" "$out/"
echo "$out/mailwatch_${version}_all.deb"
