package wire

import (
	"bytes"
	"unicode/utf8"
)

// codeNone is the code of an END that breaks off without one: null would say that
// the stream is complete.
const codeNone = "unknown"

// Append appends m to dst as a frame. It writes the fields that m's kind uses,
// and of a kind that [Kind.Known] denies an array of the kind alone. An END whose
// Code is nil and whose Text is empty says that the stream is complete; any other
// says that it is not, with code "unknown" if it has none.
//
// Codes and texts become what a reader takes: invalid UTF-8 is replaced by
// U+FFFD, and what is longer than [CodeMax] or [TextMax] is cut between two
// characters. All else is the caller's to keep within its limit.
func Append(dst []byte, m *Msg) []byte {
	switch m.Kind {
	case KindCall:
		return AppendCall(dst, m.Corr, m.Dst, m.TTL, m.Lane, m.Hdr, m.Body)
	case KindReply:
		return AppendReply(dst, m.Corr, m.Body)
	case KindCast:
		return AppendCast(dst, m.Dst, m.Lane, m.Hdr, m.Body)
	case KindCancel, KindMonitor:
		return appendCorrName(dst, m.Kind, m.Corr, m.Dst)
	case KindOpen:
		return appendOpen(dst, m)
	case KindData:
		return AppendData(dst, m.Sid, m.Body)
	case KindCredit:
		return AppendCredit(dst, m.Sid, m.Count)
	case KindDemonitor:
		return AppendDemonitor(dst, m.Corr)
	case KindPing, KindPong:
		return appendTwo(dst, m.Kind, m.Seq, m.Count)
	case KindMulti:
		return AppendMulti(dst, m.Dsts, m.Lane, m.Hdr, m.Body)
	case KindStop:
		return AppendStop(dst, m.Sid)
	case KindAck:
		return AppendAck(dst, m.Count)
	}
	return appendTexts(dst, m)
}

// appendTexts appends a message of a kind that has texts, or of an unknown one.
func appendTexts(dst []byte, m *Msg) []byte {
	switch m.Kind {
	case KindError:
		return appendError(dst, m.Corr, m.Code, m.Text, m.Data)
	case KindEnd:
		return appendEnd(dst, m.Sid, m.Code == nil && len(m.Text) == 0, m.Code, m.Text)
	case KindDown:
		return appendDown(dst, m.Corr, m.Code, m.Text)
	case KindGoAway:
		return appendGoAway(dst, m.Code, m.Text, m.Data)
	case KindDropped:
		return appendDropped(dst, m.Dst, m.Count, m.Code, m.Text)
	case KindName:
		return appendBind(dst, m.Dst.Index, m.Dst.Text)
	}
	at := len(dst)
	dst, _ = BeginFrame(dst)
	return EndFrame(appendUint(append(dst, majorArray|1), uint64(m.Kind)), at)
}

func appendOpen(dst []byte, m *Msg) []byte {
	at := len(dst)
	dst = begin(dst, withLane(9, m.Lane), KindOpen)
	dst = appendUint(dst, m.Sid)
	dst = append(dst, byte(m.Mode))
	dst = appendUint(dst, m.Corr)
	if m.Mode.Request() {
		dst = appendName(dst, m.Dst)
	} else {
		dst = append(dst, null)
	}
	dst = appendUint(dst, uint64(m.TTL))
	dst = appendBytesOrNull(dst, m.Hdr)
	if m.HasSize {
		dst = appendUint(dst, m.Size)
	} else {
		dst = append(dst, null)
	}
	if m.Mode.Streams() {
		dst = appendBytes(dst, m.Body)
	} else {
		dst = append(dst, null)
	}
	return EndFrame(appendLane(dst, m.Lane), at)
}

// appendFault appends a code and a text.
func appendFault(dst, code, text []byte) []byte {
	dst = appendText(dst, code, CodeMax)
	return appendText(dst, text, TextMax)
}

// appendText appends s, made valid and cut to limit bytes.
func appendText(dst, s []byte, limit int) []byte {
	if !utf8.Valid(s) {
		s = bytes.ToValidUTF8(s, []byte("\uFFFD"))
	}
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit]
	}
	return append(appendHead(dst, majorText, uint64(len(s))), s...)
}
