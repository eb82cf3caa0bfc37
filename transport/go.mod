module github.com/clusterluck/clusterluck/transport

go 1.26
