package main

import (
	"time"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/runner"
)

// What can be read off a round. Figures that it doesn't have aren't there.

func messagesPerCPU(t *runner.Trial) (float64, bool) {
	if t.Report == nil || t.Report.MessagesPerServerCPUSecond == nil {
		return 0, false
	}
	return *t.Report.MessagesPerServerCPUSecond, true
}

func cpuMicrosPerMessage(t *runner.Trial) (float64, bool) {
	rate, ok := messagesPerCPU(t)
	return 1e6 / max(rate, 1e-9), ok && rate > 0
}

func messagesPerSecond(t *runner.Trial) (float64, bool) {
	if t.Report == nil {
		return 0, false
	}
	return t.Report.MessagesPerSecond, t.Report.MessagesPerSecond > 0
}

func latency(of func(*generator.Latency) float64) func(*runner.Trial) (float64, bool) {
	return func(t *runner.Trial) (float64, bool) {
		if t.Report == nil {
			return 0, false
		}
		v := of(&t.Report.Latency)
		return v, v > 0
	}
}

func p50(l *generator.Latency) float64 { return l.P50 }
func p99(l *generator.Latency) float64 { return l.P99 }

func megabytes(of func(*runner.Trial) int64) func(*runner.Trial) (float64, bool) {
	return func(t *runner.Trial) (float64, bool) {
		n := of(t)
		return float64(n) / 1e6, n > 0
	}
}

func rssIdle(t *runner.Trial) int64 { return t.RSSIdle }
func rssPeak(t *runner.Trial) int64 { return t.RSSPeak }

func createdPerSecond(t *runner.Trial) (float64, bool) {
	if t.Report == nil || t.Report.Topics == nil {
		return 0, false
	}
	return t.Report.Topics.CreatedPerSecond, t.Report.Topics.CreatedPerSecond > 0
}

func seconds(of func(*runner.Trial) time.Duration) func(*runner.Trial) (float64, bool) {
	return func(t *runner.Trial) (float64, bool) {
		d := of(t)
		return d.Seconds(), d > 0
	}
}
