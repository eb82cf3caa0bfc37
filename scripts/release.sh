#!/bin/sh
# Prints the commands that release every module at one version, in order, and
# runs none of them. docs/releasing.md says what each is for.
#
#   scripts/release.sh v0.1.0
#   scripts/release.sh v0.1.0 | sh -eux      # after reading them
set -eu

version=${1-}
case $version in
v[0-9]*.[0-9]*.[0-9]* | vX.Y.Z) ;;
*)
	echo "release.sh: version '$version': want vX.Y.Z" >&2
	exit 2
	;;
esac

root=github.com/clusterluck/clusterluck
cd "$(dirname "$0")/.."

# A module that holds only a doc.go is not released.
released() {
	find "$1" -name '*.go' ! -name doc.go | grep -q .
}

# The siblings that a module's go.mod requires.
siblings() {
	sed -n "s|^\(require\)\{0,1\}[[:space:]]*\(${root}[^ ]*\) v.*|\2|p" "$1/go.mod" | sort -u
}

echo "git tag $version"
echo "git push origin $version"
echo "git switch -c release-$version"
for module in transport membership cmd/ringbench cmd/clusterluck; do
	released "$module" || continue
	edits=
	for sibling in $(siblings "$module"); do
		edits="$edits -require=$sibling@$version -dropreplace=$sibling"
	done
	if [ -n "$edits" ]; then
		echo "go -C $module mod edit$edits"
		echo "GOWORK=off go -C $module mod tidy"
		echo "GOWORK=off go -C $module test ./..."
		echo "git commit -am '$module: release $version'"
	fi
	echo "git tag $module/$version"
	echo "git push origin $module/$version"
done
echo "git switch -"
