package wire

// AppendCancel appends the frame of a CANCEL.
func AppendCancel(dst []byte, corr uint64, to Name) []byte {
	return appendCorrName(dst, KindCancel, corr, to)
}

// AppendMonitor appends the frame of a MONITOR.
func AppendMonitor(dst []byte, corr uint64, to Name) []byte {
	return appendCorrName(dst, KindMonitor, corr, to)
}

func appendCorrName(dst []byte, k Kind, corr uint64, to Name) []byte {
	at := len(dst)
	dst = begin(dst, 3, k)
	dst = appendUint(dst, corr)
	return EndFrame(appendName(dst, to), at)
}

// AppendDown appends the frame of a DOWN.
func AppendDown(dst []byte, corr uint64, code, text string) []byte {
	return appendDown(dst, corr, []byte(code), []byte(text))
}

func appendDown(dst []byte, corr uint64, code, text []byte) []byte {
	at := len(dst)
	dst = begin(dst, 4, KindDown)
	dst = appendUint(dst, corr)
	return EndFrame(appendFault(dst, code, text), at)
}

// AppendDemonitor appends the frame of a DEMONITOR.
func AppendDemonitor(dst []byte, corr uint64) []byte {
	return appendOne(dst, KindDemonitor, corr)
}

// AppendCredit appends the frame of a CREDIT: so many bytes more may be sent on
// the stream, or for sid 0 as requests.
func AppendCredit(dst []byte, sid, bytes uint64) []byte {
	return appendTwo(dst, KindCredit, sid, bytes)
}

// AppendStop appends the frame of a STOP.
func AppendStop(dst []byte, sid uint64) []byte {
	return appendOne(dst, KindStop, sid)
}

// AppendEnd appends the frame of an END. Without a code and a text it says that
// the stream is complete, else that its writer broke off, and why.
func AppendEnd(dst []byte, sid uint64, code, text string) []byte {
	return appendEnd(dst, sid, code == "" && text == "", []byte(code), []byte(text))
}

func appendEnd(dst []byte, sid uint64, complete bool, code, text []byte) []byte {
	at := len(dst)
	dst = begin(dst, 4, KindEnd)
	dst = appendUint(dst, sid)
	if complete {
		return EndFrame(append(dst, null, null), at)
	}
	if len(code) == 0 {
		code = []byte(codeNone)
	}
	return EndFrame(appendFault(dst, code, text), at)
}

// AppendPing appends the frame of a PING: its number, and how many requests of
// the peer were accepted so far.
func AppendPing(dst []byte, seq, accepted uint64) []byte {
	return appendTwo(dst, KindPing, seq, accepted)
}

// AppendPong appends the frame of a PONG, the answer to the PING of that seq.
func AppendPong(dst []byte, seq, accepted uint64) []byte {
	return appendTwo(dst, KindPong, seq, accepted)
}

// AppendAck appends the frame of an ACK: how many requests of the peer were
// accepted so far.
func AppendAck(dst []byte, accepted uint64) []byte {
	return appendOne(dst, KindAck, accepted)
}

// AppendGoAway appends the frame of a GOAWAY. A nil data is none.
func AppendGoAway(dst []byte, code, text string, data []byte) []byte {
	return appendGoAway(dst, []byte(code), []byte(text), data)
}

func appendGoAway(dst, code, text, data []byte) []byte {
	at := len(dst)
	dst = begin(dst, 4, KindGoAway)
	dst = appendFault(dst, code, text)
	return EndFrame(appendBytesOrNull(dst, data), at)
}

// AppendBind appends the frame of a NAME: index stands for name from now on.
func AppendBind(dst []byte, index uint32, name string) []byte {
	return appendBind(dst, index, []byte(name))
}

func appendBind(dst []byte, index uint32, name []byte) []byte {
	at := len(dst)
	dst = begin(dst, 3, KindName)
	dst = appendUint(dst, uint64(index))
	dst = appendHead(dst, majorText, uint64(len(name)))
	return EndFrame(append(dst, name...), at)
}

// AppendDropped appends the frame of a DROPPED.
func AppendDropped(dst []byte, to Name, count uint64, code, text string) []byte {
	return appendDropped(dst, to, count, []byte(code), []byte(text))
}

func appendDropped(dst []byte, to Name, count uint64, code, text []byte) []byte {
	at := len(dst)
	dst = begin(dst, 5, KindDropped)
	dst = appendName(dst, to)
	dst = appendUint(dst, count)
	return EndFrame(appendFault(dst, code, text), at)
}

func appendOne(dst []byte, k Kind, n uint64) []byte {
	at := len(dst)
	return EndFrame(appendUint(begin(dst, 2, k), n), at)
}

func appendTwo(dst []byte, k Kind, n, o uint64) []byte {
	at := len(dst)
	return EndFrame(appendUint(appendUint(begin(dst, 3, k), n), o), at)
}
