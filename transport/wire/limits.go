package wire

// Limits of format version 1. A reader refuses what is over them; who writes
// must keep to them, as the functions that append do not check lengths, those
// of codes and error texts apart.
const (
	FrameMax = 128 << 10 // bytes of a frame behind its length
	BodyMax  = 65 << 10  // bytes of a body in one frame, and of an error's data: 64 KiB and what a server needs beside it
	ChunkMax = 16 << 10  // bytes of one DATA
	HdrMax   = 4 << 10   // bytes of a header
	NameMax  = 255       // bytes of a server's name
	NamesMax = 4096      // names that an index can stand for
	DstsMax  = 128       // servers of one MULTI
	CodeMax  = 64        // bytes of an error's code
	TextMax  = 1024      // bytes of an error's text
	NestMax  = 16        // levels of arrays and maps in a frame or a body
	ItemsMax = 1 << 16   // elements of an array, or pairs of a map, in a body
)

// FrameHeaderLen is the length of the length before a frame.
const FrameHeaderLen = 4
