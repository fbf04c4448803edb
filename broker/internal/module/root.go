// Package module finds the files of this module that tests of several packages need.
package module

import (
	"errors"
	"os"
	"path/filepath"
)

// Root is the module's directory. The working directory is somewhere in it, as that of every test is.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("module: the working directory is in no module")
		}
		dir = filepath.Dir(dir)
	}
}
