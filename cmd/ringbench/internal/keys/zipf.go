package keys

import "math"

// A zipf draws ranks 1 to n, rank k with probability proportional to 1/k^s, for
// any s > 0. It is the rejection-inversion of Hormann and Derflinger (1996):
// invert the integral of the density's hat, round, and reject the few draws
// that fall between the hat and the density. It needs no table, whatever n is,
// and about 1.1 tries a draw. The standard library's Zipf refuses s <= 1.
type zipf struct {
	n, s             float64
	first, last, cut float64
}

func newZipf(n int64, s float64) *zipf {
	z := &zipf{n: float64(n), s: s}
	z.first = z.integral(1.5) - 1
	z.last = z.integral(z.n + 0.5)
	z.cut = 2 - z.inverse(z.integral(2.5)-z.density(2))
	return z
}

// next draws a rank.
func (z *zipf) next(r *rng) int64 {
	for {
		u := z.last + r.float()*(z.first-z.last)
		x := z.inverse(u)
		k := min(max(math.Floor(x+0.5), 1), z.n)
		// Near its own hat a rank is accepted without the costlier test.
		if k-x <= z.cut || u >= z.integral(k+0.5)-z.density(k) {
			return int64(k)
		}
	}
}

func (z *zipf) density(x float64) float64 { return math.Exp(-z.s * math.Log(x)) }

// integral is the integral of the density, (x^(1-s) - 1) / (1-s), in a form
// that holds at s = 1 too, where it is log x.
func (z *zipf) integral(x float64) float64 {
	log := math.Log(x)
	return expm1Over((1-z.s)*log) * log
}

func (z *zipf) inverse(x float64) float64 {
	// Rounding may push the argument just past the pole of log1p.
	t := max(x*(1-z.s), -1)
	return math.Exp(log1pOver(t) * x)
}

// log1pOver is log(1+x)/x, by its series near 0.
func log1pOver(x float64) float64 {
	if math.Abs(x) > 1e-8 {
		return math.Log1p(x) / x
	}
	return 1 - x*(0.5-x*(1.0/3-0.25*x))
}

// expm1Over is (exp(x)-1)/x, by its series near 0.
func expm1Over(x float64) float64 {
	if math.Abs(x) > 1e-8 {
		return math.Expm1(x) / x
	}
	return 1 + x*0.5*(1+x/3*(1+0.25*x))
}
