module github.com/clusterluck/clusterluck/fuzz

go 1.26

replace github.com/clusterluck/clusterluck => ..
