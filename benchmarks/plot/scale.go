package plot

import (
	"fmt"
	"math"
)

// scale maps values between low and high to pixels.
type scale struct {
	log       bool
	low, high float64 // of the values, or of their logarithms
	from, to  float64
	ticks     []Tick
}

func (a *Axis) scale(values []float64, from, to float64) scale {
	s := scale{log: a.Log, low: math.Inf(1), high: math.Inf(-1), from: from, to: to}
	if a.Low != nil {
		values = append(values, *a.Low)
	}
	for _, t := range a.Ticks {
		values = append(values, t.At)
	}
	for _, v := range values {
		if s.holds(v) {
			s.low, s.high = min(s.low, s.at(v)), max(s.high, s.at(v))
		}
	}
	if s.low > s.high {
		s.low, s.high = 0, 1
	}
	if s.low == s.high {
		s.low, s.high = s.low-0.5, s.high+0.5
	}
	s.ticks = a.Ticks
	if s.ticks == nil && a.Log {
		s.ticks = s.logTicks()
	} else if s.ticks == nil {
		s.ticks = s.linearTicks()
	}
	return s
}

// holds tells whether a value has a place.
func (s *scale) holds(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!s.log || v > 0)
}

func (s *scale) at(v float64) float64 {
	if s.log {
		return math.Log10(v)
	}
	return v
}

func (s *scale) place(v float64) float64 {
	return s.from + (s.at(v)-s.low)/(s.high-s.low)*(s.to-s.from)
}

// linearTicks widens the scale to whole steps of 1, 2 or 5 times a power of ten.
func (s *scale) linearTicks() []Tick {
	span := s.high - s.low
	power := math.Pow(10, math.Floor(math.Log10(span/6)))
	step := power
	for _, m := range []float64{2, 5, 10} {
		if span/step > 6 {
			step = m * power
		}
	}
	first, last := math.Floor(s.low/step), math.Ceil(s.high/step)
	s.low, s.high = first*step, last*step
	var out []Tick
	for n := first; n <= last; n++ {
		out = append(out, Tick{n * step, short(n * step)})
	}
	return out
}

// logTicks widens the scale to whole powers of ten. Where they are few, steps of 2 and 5 are marked, too; where many, each third.
func (s *scale) logTicks() []Tick {
	first, last := math.Floor(s.low), math.Ceil(s.high)
	every, steps := 1.0, []float64{1}
	if last-first <= 2 {
		steps = []float64{1, 2, 5}
	} else if last-first > 8 {
		every = 3
	}
	s.low, s.high = first, last
	var out []Tick
	for e := first; e <= last; e += every {
		for _, m := range steps {
			if m == 1 || e < last {
				v := m * math.Pow(10, e)
				out = append(out, Tick{v, short(v)})
			}
		}
	}
	return out
}

// short writes a number in few characters.
func short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= unit.size {
			return fmt.Sprintf("%.3g%s", v/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.3g", v)
}
