package telemetry

import (
	"fmt"
	"net/http"
)

// Source is what a process tells.
type Source struct {
	// Ready is nil as long as the process can do its work, else the reason why not.
	Ready   func() error
	Metrics func() []Metric
}

// Handler serves /healthz (the process runs), /readyz (it does its work) and /metrics.
func Handler(s Source) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		// The only failure is a reader who has gone.
		_ = Write(w, s.Metrics())
	})
	return mux
}
