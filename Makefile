# The commands of this repository by name. Each is one line that can be typed
# as well; CONTRIBUTING.md says when to use which.

.PHONY: help test ci race cover fuzz bench compare staticcheck tidy footprint

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile

test: ## the tests of every module in the workspace
	go test work

ci: ## everything that must pass before a change lands
	.ci/run

race: ## the tests under the race detector
	go test -race work

cover: ## coverage of each package, over all modules
	go test -cover work

fuzz: ## every native fuzz target with 200,000 inputs
	FUZZTIME=200000x .ci/run fuzz

bench: ## the benchmarks, ten times each, as benchstat reads them
	go test -run '^$$' -bench . -count 10 work

compare: ## this ring against other libraries, in one run
	go -C bench run ./cmd/compare

staticcheck: ## the linter over the root module
	GOWORK=off go tool -modfile=tools/go.mod staticcheck ./...

tidy: ## bring each go.mod in order
	for dir in $$(go list -m -f '{{.Dir}}') bench tools; do GOWORK=off go -C $$dir mod tidy || exit; done

footprint: ## what a user of the ring alone gets
	go test -count=1 -run Footprint ./internal/tidy
