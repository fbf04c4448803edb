package telemetry

import (
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestMetricsAreWrittenAsPrometheusReadsThem(t *testing.T) {
	metrics := []Metric{
		{Name: "sent_total", Kind: Counter, Help: "What was sent.", Value: 12345678},
		{Name: "lag", Kind: Gauge, Help: "A \\ and a \n in it.", Labels: []Label{{"topic", "a"}, {"group", "b"}}, Value: 0.25},
		{Name: "lag", Kind: Gauge, Help: "A \\ and a \n in it.", Labels: []Label{{"topic", `"quoted" \ ` + "\n"}}, Value: -1},
		{Name: "odd", Kind: Gauge, Help: "No number.", Value: math.Inf(1)},
	}
	want := `# HELP sent_total What was sent.
# TYPE sent_total counter
sent_total 1.2345678e+07
# HELP lag A \\ and a \n in it.
# TYPE lag gauge
lag{topic="a",group="b"} 0.25
lag{topic="\"quoted\" \\ \n"} -1
# HELP odd No number.
# TYPE odd gauge
odd +Inf
`
	var b strings.Builder
	if err := Write(&b, metrics); err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("written:\n%s\nexpected:\n%s", b.String(), want)
	}
}

func TestAWriteThatFailsSaysSo(t *testing.T) {
	r, w := io.Pipe()
	r.CloseWithError(io.ErrClosedPipe)
	if err := Write(w, []Metric{{Name: "a"}}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
}

func get(t *testing.T, h http.Handler, method, path string) (int, string, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Code, w.Body.String(), w.Header().Get("Content-Type")
}

func TestAProcessTellsHowItDoes(t *testing.T) {
	var ready error
	h := Handler(Source{Ready: func() error { return ready }, Metrics: func() []Metric { return []Metric{{Name: "up", Kind: Gauge, Help: "It runs.", Value: 1}} }})
	if code, body, _ := get(t, h, "GET", "/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("health: %d %q", code, body)
	}
	if code, body, _ := get(t, h, "GET", "/readyz"); code != 200 || body != "ready\n" {
		t.Errorf("ready: %d %q", code, body)
	}
	ready = errors.New("the store is being recovered")
	if code, body, _ := get(t, h, "GET", "/readyz"); code != 503 || !strings.Contains(body, "recovered") {
		t.Errorf("not ready: %d %q", code, body)
	}
	if code, _, _ := get(t, h, "GET", "/healthz"); code != 200 {
		t.Errorf("a process that isn't ready is ill: %d", code)
	}
	if code, body, kind := get(t, h, "GET", "/metrics"); code != 200 || !strings.HasSuffix(body, "up 1\n") || !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Errorf("metrics: %d %q %s", code, body, kind)
	}
	if code, _, _ := get(t, h, "POST", "/metrics"); code != 405 {
		t.Errorf("a POST: %d", code)
	}
}

func TestProfilesAreServedOnlyWhereAskedFor(t *testing.T) {
	s := Source{Ready: func() error { return nil }, Metrics: func() []Metric { return nil }}
	if code, _, _ := get(t, Handler(s), "GET", "/debug/pprof/"); code != 404 {
		t.Errorf("not asked for: %d", code)
	}
	s.Profiles = true
	if code, body, _ := get(t, Handler(s), "GET", "/debug/pprof/"); code != 200 || !strings.Contains(body, "goroutine") {
		t.Errorf("asked for: %d", code)
	}
}
