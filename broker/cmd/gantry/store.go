package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/gantry-mq/gantry/broker/store/inspect"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// storeFlags are what the commands about a store directory share.
type storeFlags struct {
	logDirs []string
	json    bool
}

func newStore() *cobra.Command {
	cmd := &cobra.Command{Use: "store", Short: "Check and read a store directory that no broker has open"}
	cmd.AddCommand(newStoreVerify(), newStoreDump(), newStoreStats())
	return cmd
}

func (f *storeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.logDirs, "commitlog", nil, "directory of the log (default: DIR/commitlog); can be repeated")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
}

// withLog locks the store, so that no broker changes it meanwhile, opens its log for f, and closes both.
func (f *storeFlags) withLog(root string, do func(*inspect.Log) error) (err error) {
	fs := vfs.OS()
	if info, err := fs.Stat(root); err != nil || !info.Dir {
		return fmt.Errorf("%s is not a store directory: %w", root, errors.Join(err, os.ErrInvalid))
	}
	lock, err := fs.Lock(filepath.Join(root, "lock"), []byte("lock"))
	if err != nil {
		return fmt.Errorf("is a broker running on it? %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	dirs := f.logDirs
	if dirs == nil {
		dirs = []string{filepath.Join(root, "commitlog")}
	}
	l, err := inspect.OpenLog(fs, dirs, math.MaxInt64)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return do(l)
}

// progress draws a bar with rate and time left on standard error, if that is a terminal.
func progress(total int64, what string) (set func(int64), done func()) {
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil, func() {}
	}
	p := mpb.New(mpb.WithOutput(os.Stderr), mpb.WithRefreshRate(200*time.Millisecond))
	bar := p.AddBar(total,
		mpb.PrependDecorators(decor.Name(what+" "), decor.CountersKibiByte("% .1f / % .1f")),
		mpb.AppendDecorators(decor.AverageSpeed(decor.SizeB1024(0), "% .1f", decor.WCSyncSpace), decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace)))
	return bar.SetCurrent, func() {
		bar.SetTotal(-1, true) // the log ends before its last segment does
		p.Wait()
	}
}

// errProblems makes the exit code tell that a store has problems, which were printed.
var errProblems = errors.New("the store has problems")

func newStoreVerify() *cobra.Command {
	var f storeFlags
	cmd := &cobra.Command{
		Use:   "verify DIR",
		Short: "Check every record of the log, and that queues and log agree",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.withLog(args[0], func(l *inspect.Log) error {
				set, done := progress(l.Size(), "verify")
				r, err := inspect.Verify(vfs.OS(), args[0], l, set)
				done()
				if err != nil {
					return err
				}
				if err := f.printReport(cmd.OutOrStdout(), r); err != nil {
					return err
				}
				if len(r.Problems) > 0 {
					return fmt.Errorf("%w: %d", errProblems, int64(len(r.Problems))+r.Dropped)
				}
				return nil
			})
		},
	}
	f.add(cmd)
	return cmd
}

func (f *storeFlags) printReport(w io.Writer, r *inspect.Report) error {
	if f.json {
		return printJSON(w, r)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "%s: %s\n", p.Where, p.What)
	}
	if r.Dropped > 0 {
		fmt.Fprintf(w, "… and %d more\n", r.Dropped)
	}
	stop := "clean stop"
	if !r.Clean {
		stop = "not closed in order: the next start recovers it"
		if r.Stats.End.Reason != "" {
			stop += ", and cuts the log at " + r.Stats.End.Reason
		}
	}
	_, err := fmt.Fprintf(w, "%d records (%d bytes) in %d segments, log [%d,%d), %d queue units, %d problems; %s\n",
		r.Stats.Records, r.Stats.Bytes, r.Stats.Segments, r.Stats.Min, r.Stats.End.Offset, r.Units, int64(len(r.Problems))+r.Dropped, stop)
	return err
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func newStoreStats() *cobra.Command {
	var f storeFlags
	cmd := &cobra.Command{
		Use:   "stats DIR",
		Short: "Count what the log holds, by queue",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.withLog(args[0], func(l *inspect.Log) error {
				set, done := progress(l.Size(), "count")
				s, err := inspect.Count(l, set)
				done()
				if err != nil {
					return err
				}
				if f.json {
					return printJSON(cmd.OutOrStdout(), s)
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "TOPIC\tQUEUE\tRECORDS\tBYTES\tOFFSETS\tEARLIEST\tLATEST")
				for _, q := range s.Queues {
					fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d…%d\t%s\t%s\n", q.Topic, q.QueueID, q.Records, q.Bytes, q.First, q.Last, clock(q.Earliest), clock(q.Latest))
				}
				fmt.Fprintf(w, "\t\t%d\t%d\tlog [%d,%d) in %d segments\n", s.Records, s.Bytes, s.Min, s.End.Offset, s.Segments)
				return w.Flush()
			})
		},
	}
	f.add(cmd)
	return cmd
}

func clock(ms int64) string { return time.UnixMilli(ms).Format("2006-01-02 15:04:05.000") }

// dumped is a record as `gantry store dump --json` prints it, one to a line.
type dumped struct {
	LogOffset   int64             `json:"logOffset"`
	Size        int32             `json:"size"`
	Topic       string            `json:"topic"`
	QueueID     int32             `json:"queueId"`
	QueueOffset int64             `json:"queueOffset"`
	SysFlag     int32             `json:"sysFlag"`
	StoreTime   int64             `json:"storeTime"`
	Reconsume   int32             `json:"reconsumeTimes,omitempty"`
	BodyBytes   int               `json:"bodyBytes"`
	Body        []byte            `json:"body,omitempty"`
	Properties  map[string]string `json:"properties"`
}

func newStoreDump() *cobra.Command {
	var f storeFlags
	var topic string
	var from, limit int64
	var body bool
	cmd := &cobra.Command{
		Use:   "dump DIR",
		Short: "Print the records of the log",
		Args:  cobra.ExactArgs(1),
		Example: `  gantry store dump ./gantry-data/store --topic orders --limit 10
  gantry store dump ./gantry-data/store --json --body | jq .properties.KEYS`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.withLog(args[0], func(l *inspect.Log) error {
				out := json.NewEncoder(cmd.OutOrStdout())
				stop := errors.New("enough")
				end, err := l.Scan(from, func(r *inspect.Found) error {
					if topic != "" && string(r.Topic) != topic {
						return nil
					}
					if limit--; limit < 0 {
						return stop
					}
					if !f.json {
						_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d  %s  %s/%d@%d  %d bytes  tags=%q keys=%q\n", r.Offset, clock(r.StoreTimestamp), r.Topic, r.QueueID, r.QueueOffset,
							len(r.Body), property(r, record.PropTags), property(r, record.PropKeys))
						return err
					}
					d := dumped{r.Offset, r.Size, string(r.Topic), r.QueueID, r.QueueOffset, r.SysFlag, r.StoreTimestamp, r.ReconsumeTimes, len(r.Body), nil, record.ParseMap(r.Properties)}
					if body {
						d.Body = r.Body
					}
					return out.Encode(d)
				}, nil)
				if errors.Is(err, stop) {
					return nil
				}
				if err == nil && end.Reason != "" {
					err = fmt.Errorf("the log ends at %d: %s", end.Offset, end.Reason)
				}
				return err
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&topic, "topic", "", "only records of this topic")
	cmd.Flags().Int64Var(&from, "from", 0, "log offset to start at, the start of a record")
	cmd.Flags().Int64Var(&limit, "limit", math.MaxInt64, "print at most so many records")
	cmd.Flags().BoolVar(&body, "body", false, "with --json: print bodies, in base64")
	return cmd
}

func property(r *inspect.Found, name string) []byte {
	v, _ := record.Property(r.Properties, name)
	return v
}
