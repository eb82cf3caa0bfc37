package vectorclock_test

import (
	"fmt"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// benchClock returns a clock of n actors that are UUIDs.
func benchClock(b *testing.B, n int, prefix string) *vectorclock.Clock {
	b.Helper()
	c := new(vectorclock.Clock)
	for i := range n {
		actor := fmt.Sprintf("%s%06x-0000-4000-8000-%012x", prefix, i*0x1234, i)
		if _, err := c.Set(actor, uint64(i*7919%1_000_000)+1, int64(i)*86_400_000, int64(i)); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

// perSize runs a benchmark at the sizes of the documentation.
func perSize(b *testing.B, run func(b *testing.B, n int)) {
	for _, n := range []int{3, 10, 100, 1000} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			run(b, n)
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	perSize(b, func(b *testing.B, n int) {
		c, d := benchClock(b, n, "00"), benchClock(b, n, "00")
		for b.Loop() {
			c.Compare(d)
		}
	})
}

func BenchmarkMergeNothingNew(b *testing.B) {
	perSize(b, func(b *testing.B, n int) {
		c, d := benchClock(b, n, "00"), benchClock(b, n, "00")
		for b.Loop() {
			c.Merge(d)
		}
	})
}

func BenchmarkMergeOthers(b *testing.B) {
	perSize(b, func(b *testing.B, n int) {
		c, d := benchClock(b, n, "00"), benchClock(b, n, "01")
		for b.Loop() {
			e := c.Clone()
			e.Merge(d)
		}
	})
}

func BenchmarkIncrement(b *testing.B) {
	perSize(b, func(b *testing.B, n int) {
		c := benchClock(b, n, "00")
		for i := int64(0); b.Loop(); i++ {
			if _, err := c.Increment("00000000-0000-4000-8000-000000000000", i); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCloneAndWrite(b *testing.B) {
	perSize(b, func(b *testing.B, n int) {
		c := benchClock(b, n, "00")
		for i := int64(0); b.Loop(); i++ {
			d := c.Clone()
			if _, err := d.Increment("00000000-0000-4000-8000-000000000000", i); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	perSize(b, func(b *testing.B, n int) {
		c := benchClock(b, n, "00")
		var dst []byte
		for b.Loop() {
			dst, _ = c.AppendBinary(dst[:0]) // it never fails
		}
		b.ReportMetric(float64(len(dst))/float64(n), "B/entry")
	})
}

// The first encoding of a list of actors, and memory for it: what each list
// costs once.
func BenchmarkFirst(b *testing.B) {
	perSize(b, func(b *testing.B, n int) {
		c := benchClock(b, n, "00")
		for b.Loop() {
			b.StopTimer()
			fresh := new(vectorclock.Clock)
			for actor, e := range c.All() {
				if _, err := fresh.Set(actor, e.Count, e.Updated, e.Inserted); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
			if _, err := fresh.MarshalBinary(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	perSize(b, func(b *testing.B, n int) {
		data, err := benchClock(b, n, "00").MarshalBinary()
		if err != nil {
			b.Fatal(err)
		}
		var d vectorclock.Decoder
		for b.Loop() {
			if _, err := d.Decode(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSiblings(b *testing.B) {
	var s siblings
	for i := range 5 {
		if _, err := s.Put(new(vectorclock.Clock), fmt.Sprintf("replica-%d", i), "value"); err != nil {
			b.Fatal(err)
		}
	}
	o := s.Clone()
	b.Run("SyncNothingNew", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Sync(&o)
		}
	})
	b.Run("Hash", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Hash()
		}
	})
	b.Run("PutAndContext", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			context := s.Context()
			if _, err := s.Put(&context, "replica-0", "value"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
