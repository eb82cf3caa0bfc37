package keys

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// errSize explains how a size is written.
var errSize = errors.New("not a whole number; write 1000, 1_000, 1e6, 10k, 2M, 1G or 2^20")

// ParseSize reads a count: digits, optionally with "_" between them, a decimal
// exponent (1e6, 1.5e3), a suffix k, M or G for thousands, millions or
// thousands of millions, or a power (2^20). A small m is refused: it could mean
// minutes. The value is at least 0 and at most
// 2^62.
func ParseSize(s string) (int64, error) {
	if base, exponent, ok := strings.Cut(s, "^"); ok {
		return parsePower(s, base, exponent)
	}
	digits, unit := s, int64(1)
	if n := len(s); n > 1 {
		switch s[n-1] {
		case 'k', 'K':
			digits, unit = s[:n-1], 1e3
		case 'M':
			digits, unit = s[:n-1], 1e6
		case 'G':
			digits, unit = s[:n-1], 1e9
		}
	}
	if strings.Trim(digits, "0123456789_.eE+") != "" || digits == "" {
		return 0, fmt.Errorf("%q: %w", s, errSize)
	}
	digits = strings.ReplaceAll(digits, "_", "")
	if v, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return bounded(s, float64(v)*float64(unit), v*unit)
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", s, errSize)
	}
	f *= float64(unit)
	if f != math.Trunc(f) {
		return 0, fmt.Errorf("%q: %w", s, errSize)
	}
	return bounded(s, f, int64(min(f, 1<<62)))
}

func parsePower(s, base, exponent string) (int64, error) {
	b, err := strconv.ParseUint(base, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", s, errSize)
	}
	e, err := strconv.ParseUint(exponent, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", s, errSize)
	}
	v, f := int64(1), 1.0
	for range e {
		v *= int64(b)
		f *= float64(b)
	}
	return bounded(s, f, v)
}

// bounded returns v unless it is out of range; f is its magnitude, which cannot
// overflow.
func bounded(s string, f float64, v int64) (int64, error) {
	if f > 1<<62 || v > 1<<62 {
		return 0, fmt.Errorf("%q: more than 2^62", s)
	}
	return v, nil
}
