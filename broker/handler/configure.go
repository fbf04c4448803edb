package handler

import (
	"bytes"
	"encoding/json"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// brokerConfig answers with the value of every key, one key=value a line.
func (c *call) brokerConfig() error {
	var text bytes.Buffer
	if err := c.h.Config.WriteProperties(&text); err != nil {
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
