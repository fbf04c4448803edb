package generator

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
)

func TestAHistogramLogHoldsEveryLatency(t *testing.T) {
	b := startBroker(t, nil)
	r, err := Run(t.Context(), b.latencyOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "hdr")
	if err := (&Output{HDR: name}).Write(r, t.Output()); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log := hdrhistogram.NewHistogramLogReader(f)
	for _, tag := range []string{"", "sends", "lateness"} {
		h, err := log.NextIntervalHistogram()
		if err != nil || h == nil || h.Tag() != tag || h.TotalCount() != 300 {
			t.Fatalf("%q: %+v, %v", tag, h, err)
		}
		if p50 := float64(h.ValueAtQuantile(50)) / 1e3; tag == "" && p50 != r.Latency.P50 {
			t.Errorf("p50 %v µs in the log, %v in the report", p50, r.Latency.P50)
		}
	}
}

func TestWithoutReceiversOnlyTheSendsAreMeasured(t *testing.T) {
	b := startBroker(t, nil)
	o := b.latencyOptions()
	o.NoReceive = true
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != 300 || r.Delivery.Pulls != 0 || r.Delivery.EmptyPulls != 0 || r.Latency != r.Delivery.SendLatency || r.Latency.P50 <= 0 || !r.Clean() {
		t.Errorf("%+v, %+v", r, r.Delivery)
	}
}
