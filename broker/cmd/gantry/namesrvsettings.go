package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/namesrv"
)

// rulesOf is the part of the configuration that a running name server takes changes of.
func rulesOf(c *config.Config) namesrv.Rules {
	r := namesrv.Rules{
		DeleteMissing: c.DeleteUnregistered, OrderInRoutes: c.OrderTopics, NoOrderInReplies: !c.ReturnOrderTopics,
		NoAllTopics: !c.ListAllTopics, NoTopicLists: !c.ListTopics,
		ActingMaster: c.ActingMaster, NotifyMinID: c.NotifyMinID,
	}
	if c.WaitForBrokers {
		r.Wait = c.WaitForBrokersTime
	}
	return r
}

// namesrvSettings are the configuration of a name server as administrators see and change it, until it restarts.
type namesrvSettings struct {
	names *namesrv.Namesrv
	log   *slog.Logger

	mu  sync.Mutex // guards cfg
	cfg *config.Config
}

// text is the configuration as properties.
func (s *namesrvSettings) text() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	_ = s.cfg.WriteProperties(&b) // a buffer takes everything
	return b.Bytes()
}

// fixedKeys say where the name server's files are: who may change the configuration must not thereby write files.
var fixedKeys = []string{"configBlackList", "configStorePath", "kvConfigPath", "rocketmqHome"}

// update makes a change that comes as properties, or refuses it as a whole.
func (s *namesrvSettings) update(properties []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, warnings, err := s.cfg.With("update of the configuration", properties, fixedKeys...)
	switch {
	case errors.Is(err, config.ErrFixed):
		return fmt.Errorf("%w: %w", namesrv.ErrForbidden, err)
	case err != nil:
		return err
	}
	merged, changed, unfit := s.cfg.Reload(next)
	if len(unfit) > 0 {
		return errors.New(unfit[0].Message)
	}
	for _, w := range warnings {
		s.log.Warn(w.Message, "key", w.Key)
	}
	s.log.Info("namesrv: configuration changed", "keys", changed)
	s.cfg = merged
	s.names.SetRules(rulesOf(merged))
	return nil
}
