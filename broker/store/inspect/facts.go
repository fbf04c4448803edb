package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// facts are what a broker has written down about its store, beside log and queues.
type facts struct {
	clean bool // the last stop was in order
	// births are, by topic, the log offset below which records belong to an earlier topic of the name.
	births map[string]int64
	// batch are the topics whose queues hold inner batches. Other messages take no place there.
	batch map[string]bool
	// crcFrom is the log offset from which on records have a CRC property; math.MaxInt64 if none is known to have one.
	crcFrom int64
}

// readFacts reads what there is. A file that can't be used is a problem of the report.
func readFacts(fsys vfs.FS, root string, r *Report) (facts, error) {
	f := facts{crcFrom: math.MaxInt64}
	switch _, err := fsys.Stat(path.Join(root, "abort")); {
	case errors.Is(err, fs.ErrNotExist):
		f.clean = true
	case err != nil:
		return f, fmt.Errorf("inspect: %w", err)
	}
	var births struct {
		Births map[string]int64 `json:"births"`
	}
	if err := readJSON(fsys, path.Join(root, "config", "topicBirths.json"), &births, r); err != nil {
		return f, err
	}
	f.births = births.Births
	if err := f.readTopics(fsys, root, r); err != nil {
		return f, err
	}
	state := struct{ CRCFrom int64 }{-1}
	if err := readJSON(fsys, path.Join(root, "gantry.checkpoint"), &state, r); err != nil {
		return f, err
	}
	if state.CRCFrom >= 0 {
		f.crcFrom = state.CRCFrom
	}
	return f, nil
}

func (f *facts) readTopics(fsys vfs.FS, root string, r *Report) error {
	var topics struct {
		Table map[string]struct {
			Attributes map[string]string `json:"attributes"`
		} `json:"topicConfigTable"`
	}
	err := readJSON(fsys, path.Join(root, "config", "topics.json"), &topics, r)
	f.batch = map[string]bool{}
	for name, t := range topics.Table {
		if t.Attributes["queue.type"] == "BatchCQ" {
			f.batch[name] = true
		}
	}
	return err
}

// readJSON reads the JSON value that a file begins with, if there is one.
func readJSON(fsys vfs.FS, name string, v any, r *Report) error {
	b, err := vfs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("inspect: %w", err)
	}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(v); err != nil {
		r.add(name, "is not readable: %v", err)
	}
	return nil
}
