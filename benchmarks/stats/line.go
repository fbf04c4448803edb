package stats

import "errors"

// Line is y = A + B·x.
type Line struct {
	A float64 `json:"a"`
	B float64 `json:"b"`
}

// FitLine finds the line with the least squares of relative errors: a point counts as much as any other, however large it is. All
// ys must be positive, and there must be two different xs.
func FitLine(xs, ys []float64) (Line, error) {
	if len(xs) != len(ys) {
		return Line{}, errors.New("stats: a line needs as many ys as xs")
	}
	var w, wx, wy, wxx, wxy float64
	for i, x := range xs {
		y := ys[i]
		if !(y > 0) {
			return Line{}, errors.New("stats: a line needs positive ys")
		}
		weight := 1 / (y * y)
		w += weight
		wx += weight * x
		wy += weight * y
		wxx += weight * x * x
		wxy += weight * x * y
	}
	d := w*wxx - wx*wx
	if len(xs) < 2 || !(d > 1e-12*w*wxx) {
		return Line{}, errors.New("stats: a line needs two different xs")
	}
	b := (w*wxy - wx*wy) / d
	return Line{A: (wy - b*wx) / w, B: b}, nil
}
