module github.com/clusterluck/clusterluck/membership

go 1.26
