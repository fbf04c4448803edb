package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latencies reads the driver's histogram log, keeps it if that is wanted, and returns the main histogram; nil if there is no log.
func (a *attempt) latencies(name string) (*hdrhistogram.Histogram, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // the driver doesn't write logs
	}
	if err != nil {
		return nil, err
	}
	if a.plan.KeepLogs != "" {
		kept := filepath.Join(a.plan.KeepLogs, fmt.Sprintf("%s-%s-%d.hlog", fileName(a.load.ID), a.subject.Name, a.round))
		if err := os.WriteFile(kept, text, 0o644); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for log := hdrhistogram.NewHistogramLogReader(f); ; {
		h, err := log.NextIntervalHistogram()
		if err != nil {
			return nil, fmt.Errorf("HdrHistogram log: %w", err)
		}
		if h == nil {
			return nil, nil // nothing came that could be measured
		}
		if h.Tag() == "" {
			return h, nil
		}
	}
}

// fileName makes an id a part of a file's name.
func fileName(id string) string {
	b := []byte(id)
	for i, c := range b {
		if c == '/' || c == ' ' {
			b[i] = '-'
		}
	}
	return string(b)
}

// curve are the points of a latency-by-percentile plot: percentile, microseconds. It ends where fewer than three measurements are beyond.
func curve(h *hdrhistogram.Histogram) [][2]float64 {
	var points [][2]float64
	for _, p := range []float64{1, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99, 99.995, 99.999, 99.9999} {
		if float64(h.TotalCount())*(1-p/100) < 3 {
			break
		}
		points = append(points, [2]float64{p, float64(h.ValueAtQuantile(p)) / 1e3})
	}
	return points
}
