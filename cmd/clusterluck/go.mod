module github.com/clusterluck/clusterluck/cmd/clusterluck

go 1.26
