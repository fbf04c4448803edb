package generator

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Output says where a report goes, besides to a person.
type Output struct {
	JSON string // file for the report as JSON; "": none
	HDR  string // file for its histograms; "": none
}

// Register adds a flag per field to fs.
func (o *Output) Register(fs *flag.FlagSet) {
	fs.StringVar(&o.JSON, "json", "", "also write the report to this `file`")
	fs.StringVar(&o.HDR, "hdr", "", "also write all latencies to this `file`, as an HdrHistogram log")
}

// Write writes the report everywhere, as text to w.
func (o *Output) Write(r *Report, w io.Writer) error {
	err := r.WriteText(w)
	if o.JSON != "" {
		text, jerr := json.MarshalIndent(r, "", "  ")
		if jerr == nil {
			jerr = os.WriteFile(o.JSON, append(text, '\n'), 0o644)
		}
		err = errors.Join(err, jerr)
	}
	if o.HDR != "" {
		err = errors.Join(err, r.writeLogFile(o.HDR))
	}
	return err
}

func (r *Report) writeLogFile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(r.WriteLog(f), f.Close())
}

// WriteLog writes the histograms as an HdrHistogram log: one interval for each, with values in nanoseconds.
func (r *Report) WriteLog(w io.Writer) error {
	log := hdrhistogram.NewHistogramLogWriter(w)
	err := errors.Join(log.OutputLogFormatVersion(), log.OutputStartTime(r.Started.UnixMilli()), log.OutputLegend())
	for _, h := range r.Histograms {
		if err == nil {
			err = log.OutputIntervalHistogram(h)
		}
	}
	if err != nil {
		return fmt.Errorf("generator: HdrHistogram log: %w", err)
	}
	return nil
}
