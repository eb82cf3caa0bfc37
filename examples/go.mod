module github.com/clusterluck/clusterluck/examples

go 1.26.0

require (
	github.com/clusterluck/clusterluck v0.0.0
	github.com/zeebo/xxh3 v1.1.0
)

require (
	github.com/flynn/noise v1.1.0 // indirect
	github.com/fxamacker/cbor/v2 v2.10.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	golang.org/x/crypto v0.58.0 // indirect
)

require (
	github.com/clusterluck/clusterluck/transport v0.0.0
	github.com/dgryski/go-jump v0.0.0-20170409065014-e1f439676b57 // indirect
	github.com/klauspost/cpuid/v2 v2.2.10 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/clusterluck/clusterluck => ..

replace github.com/clusterluck/clusterluck/transport => ../transport
