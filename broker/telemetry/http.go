package telemetry

import (
	"fmt"
	"net/http"
	"net/http/pprof"
)

// Source is what a process tells.
type Source struct {
	// Ready is nil as long as the process can do its work, else the reason why not.
	Ready   func() error
	Metrics func() []Metric
	// Profiles adds /debug/pprof/, which shows what the process does to everybody who can reach it.
	Profiles bool
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
	if s.Profiles {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}
