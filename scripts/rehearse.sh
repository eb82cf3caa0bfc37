#!/usr/bin/env bash
# Rehearses a release: runs the commands of scripts/release.sh in a temporary
# copy of the tree, against a temporary repository that stands in for the real
# one, and then does what a user does. Nothing leaves the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

root=github.com/clusterluck/clusterluck
version=v0.0.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Everything Git does here is for this run alone, and everything that the Go
# command fetches under the project's name comes from the repository above.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=rehearsal GIT_AUTHOR_EMAIL=rehearsal@example.com
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
files=$(git ls-files --cached --others --exclude-standard)

mkdir "$dir/tree"
while read -r file; do
	[ -e "$file" ] && printf '%s\0' "$file"
done <<<"$files" | tar -cf - --null -T - | tar -xf - -C "$dir/tree"
git init -q -b main --bare "$dir/remote.git"
git -C "$dir/tree" init -q -b main
git -C "$dir/tree" add -A
git -C "$dir/tree" commit -qm tree
git -C "$dir/tree" remote add origin "file://$dir/remote.git"
git -C "$dir/tree" push -q origin main

export GIT_CONFIG_COUNT=1 GIT_CONFIG_VALUE_0="https://$root" GIT_CONFIG_KEY_0="url.file://$dir/remote.git.insteadOf"
cache=$(go env GOMODCACHE)/cache/download
proxies=$(go env GOPROXY)
export GOPRIVATE="$root" GOPROXY="file://$cache,$proxies" GOMODCACHE="$dir/modules" GOFLAGS=-modcacherw

echo "-- the commands of scripts/release.sh $version"
"$dir/tree/scripts/release.sh" "$version" | sed "s/ test / test -short /" >"$dir/commands"
(cd "$dir/tree" && sh -eux "$dir/commands")

echo "-- a user of the ring"
export GOWORK=off
mkdir "$dir/user"
cd "$dir/user"
cat >main.go <<EOF
package main

import (
	"fmt"

	"$root/hashring"
)

func main() {
	ring, err := hashring.New(hashring.Options{}, hashring.Node{ID: "a"})
	if err != nil {
		panic(err)
	}
	fmt.Println(ring.Owner("key"))
}
EOF
go mod init example.com/user
go get "$root@$version"
go mod tidy
go list -m all
go run .
go test -short "$root/..." # from the module cache: the root alone, read only

echo "-- a user of the command"
GOBIN=$dir/bin go install "$root/cmd/ringbench@$version"
"$dir/bin/ringbench" list
