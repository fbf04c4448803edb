package main

import "math"

// alpha is how improbable a difference must be that chance alone makes.
const alpha = 0.01

// verdict is the comparison of one measure of one case.
type verdict struct {
	c          Case
	unit       string
	base, head float64 // typical values
	p          float64
	tolerance  float64 // by which share head may be above base
	slack      float64 // and by how much
	runs       int     // of each side
}

// change is the share by which head is above base: of a measure that was zero, infinite.
func (v verdict) change() float64 {
	switch {
	case v.base == v.head:
		return 0
	case v.base == 0:
		return math.Inf(1)
	}
	return v.head/v.base - 1
}

func (v verdict) significant() bool { return v.p < alpha }

// above says that head is above base by more than is tolerated. Less of anything that is measured is better.
//
// What is exact still has a little slack, for what happens now and then on its own: a collection empties the pools, a goroutine is preempted. It is
// less than one more of anything in a hundred operations; an allocation that hides in the slack of the bytes shows where they are counted.
func (v verdict) above() bool { return v.change() > v.tolerance && v.head-v.base > v.slack }

// worse says that this is no chance.
func (v verdict) worse() bool { return v.above() && v.significant() }

// suspicious says that the measure should be looked at again. On a busy machine times scatter so much that few samples can't tell, so of them it is
// enough that head is above.
func (v verdict) suspicious() bool { return v.worse() || v.above() && v.unit == unitTime }

// typical is the value that stands for the samples: their median. Of times it is the lower quartile: what scatters there is what others add.
func typical(unit string, samples []float64) float64 {
	if unit == unitTime {
		return quantile(samples, 0.25)
	}
	return quantile(samples, 0.5)
}

// judge compares the measures of a case that its binaries of a kind have.
func judge(c Case, k kind, p pair) []verdict {
	var all []verdict
	for _, unit := range k.units() {
		base, head := p.base[unit], p.head[unit]
		v := verdict{c: c, unit: unit, base: typical(unit, base), head: typical(unit, head), p: differ(base, head), runs: len(base)}
		switch unit {
		case unitTime:
			v.tolerance = c.Tolerance
		case unitBytes, unitCopied:
			v.slack = 64
		default:
			v.slack = 0.01
		}
		all = append(all, v)
	}
	return all
}
