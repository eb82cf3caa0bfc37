package hashring

import "encoding/binary"

// appendNode appends a node's encoding: id, weight, zone, metadata; numbers as
// uvarints, text behind its length.
func appendNode(dst []byte, n Node) []byte {
	dst = appendText(dst, n.ID)
	dst = binary.AppendUvarint(dst, uint64(n.Weight))
	dst = appendText(dst, n.Zone)
	return appendText(dst, n.Meta)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}
