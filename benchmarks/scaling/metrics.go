package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/procfs"
)

// reading is what a broker's counters said at one moment.
type reading struct {
	at      time.Time
	cpu     time.Duration // of its process
	metrics map[string]float64
}

// read asks a broker for its metrics and the system for its process.
func read(ctx context.Context, addr string, pid int) (reading, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		return reading{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reading{}, err
	}
	defer resp.Body.Close() // it was read
	if resp.StatusCode != http.StatusOK {
		return reading{}, fmt.Errorf("%s: %s", req.URL, resp.Status)
	}
	r := reading{at: time.Now()}
	if r.metrics, err = parse(resp.Body); err != nil {
		return reading{}, fmt.Errorf("%s: %w", req.URL, err)
	}
	p, err := procfs.ReadProcess(pid)
	if err != nil {
		return reading{}, err
	}
	r.cpu = p.CPU
	return r, nil
}

// parse adds up the series of each metric in the Prometheus text format. Those that have a label "source" also stand there one by one, as
// NAME:SOURCE.
func parse(text io.Reader) (map[string]float64, error) {
	out := make(map[string]float64)
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		space := strings.LastIndexByte(line, ' ')
		if space < 0 {
			return nil, fmt.Errorf("line %q, expected a name and a value", line)
		}
		v, err := strconv.ParseFloat(line[space+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		name, labels, _ := strings.Cut(line[:space], "{")
		out[name] += v
		if _, rest, ok := strings.Cut(labels, `source="`); ok {
			source, _, _ := strings.Cut(rest, `"`)
			out[name+":"+source] += v
		}
	}
	return out, lines.Err()
}
