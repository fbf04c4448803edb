package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write writes the report into a new directory under root, named after its date and name, and brings the index up to date. It
// returns the directory.
func Write(root string, r *Report) (string, error) {
	name := r.Started.Format("2006-01-02") + "-" + r.Name
	dir := filepath.Join(root, name)
	for n := 2; ; n++ {
		err := os.MkdirAll(root, 0o755)
		if err == nil {
			err = os.Mkdir(dir, 0o755)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrExist) {
			return "", fmt.Errorf("report: %w", err)
		}
		dir = filepath.Join(root, fmt.Sprintf("%s-%d", name, n))
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "report.json"), append(text, '\n'), 0o644); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	plots, err := r.writePlots(dir)
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "report.md"), r.Markdown(plots), 0o644); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	return dir, UpdateIndex(root)
}

// Read reads the report in a directory.
func Read(dir string) (*Report, error) {
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("report: %s: %w", dir, err)
	}
	return &r, nil
}
