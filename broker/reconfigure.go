package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// reconfigured applies keys that have changed to those parts that don't look at the configuration themselves, and writes them to its
// file, so that they hold after the next start, too.
func (b *Broker) reconfigured(c *config.Config, changed []string) error {
	b.Store.SetRetention(retention(c))
	if len(changed) == 0 {
		return nil
	}
	if b.opts.ConfigFile == "" {
		b.opts.Logger.Warn("broker: there is no configuration file, the change holds until the broker stops", "keys", changed)
		return nil
	}
	text, err := vfs.ReadFile(b.opts.FS, b.opts.ConfigFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("broker: configuration file: %w", err)
	}
	values := map[string]string{}
	for _, k := range config.Keys() {
		if slices.Contains(changed, k.Name) {
			values[k.Name] = k.Value(c)
		}
	}
	if err := vfs.WriteFileWithBackup(b.opts.FS, b.opts.ConfigFile, config.Amend(text, values)); err != nil {
		return fmt.Errorf("broker: configuration file: %w", err)
	}
	return nil
}
