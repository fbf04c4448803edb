package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// brokerConfig answers with the value of every key, one key=value a line.
func (c *call) brokerConfig() error {
	var text bytes.Buffer
	if err := c.h.Config.Load().WriteProperties(&text); err != nil {
		return err
	}
	version, err := json.Marshal(meta.DataVersion{Timestamp: c.h.stats.began.UnixMilli()})
	if err != nil {
		return err
	}
	w := c.c.Reply(c.t, remoting.RespSuccess, "")
	w.Bytes("version", version)
	w.Body(text.Bytes())
	w.End()
	return nil
}

// fixedKeys say where the broker's files are: who may change the configuration must not thereby write files.
var fixedKeys = []string{"brokerConfigPath", "rocketmqHome", "configBlackList"}

// updateBrokerConfig changes the configuration as one key=value a line says: all of it, or nothing if there is a key or a value in it
// that can't be taken now.
func (c *call) updateBrokerConfig() error {
	changed, err := c.h.Config.Update("update of the broker's configuration", c.cmd.Body, fixedKeys, c.h.Reconfigured)
	switch {
	case errors.Is(err, config.ErrFixed):
		return refusal(remoting.RespNoPermission, "Can not update config in black list. %v", err)
	case err != nil && changed == nil:
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	c.h.Logger.Info("handler: configuration changed", "keys", changed, "remote", c.c.RemoteAddr())
	if slices.Contains(changed, "brokerPermission") {
		// It is part of what the name servers know of each topic.
		c.h.Topics.Touch()
		c.h.Life.Changed()
	}
	if err != nil {
		return fmt.Errorf("the configuration is changed, but only until the next start: %w", err)
	}
	return c.ok()
}
