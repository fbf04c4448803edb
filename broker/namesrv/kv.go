package namesrv

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync"

	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// orderNamespace has the configuration of ordered topics: topic → broker:queues;broker:queues.
const orderNamespace = "ORDER_TOPIC_CONFIG"

// kvTable is a table of texts that administrators keep in the name server.
type kvTable struct {
	save func([]byte) error

	mu     sync.RWMutex                 // guards spaces, and is held while they are saved
	spaces map[string]map[string]string // by namespace and key; the inner maps are never changed
}

type kvFile struct {
	Spaces map[string]map[string]string `json:"configTable"`
}

func newKVTable(saved []byte, save func([]byte) error) (*kvTable, error) {
	t := &kvTable{save: save, spaces: map[string]map[string]string{}}
	if len(saved) == 0 {
		return t, nil
	}
	var f kvFile
	if err := fastjson.Unmarshal(saved, &f); err != nil {
		return nil, fmt.Errorf("namesrv: the key-value table: %w", err)
	}
	if f.Spaces != nil {
		t.spaces = f.Spaces
	}
	return t, nil
}

func (t *kvTable) get(space, key string) (string, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	value, ok := t.spaces[space][key]
	return value, ok
}

// list returns a namespace in JSON, nil if there is none.
func (t *kvTable) list(space string) ([]byte, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.spaces[space] == nil {
		return nil, nil
	}
	return json.Marshal(map[string]any{"table": t.spaces[space]})
}

// change makes a change to a copy of a namespace and saves the table with it; if that fails nothing has changed.
func (t *kvTable) change(space string, change func(map[string]string)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	inner := map[string]string{}
	maps.Copy(inner, t.spaces[space])
	change(inner)
	next := kvFile{Spaces: maps.Clone(t.spaces)}
	next.Spaces[space] = inner
	if t.save != nil {
		data, err := json.Marshal(&next)
		if err != nil {
			return fmt.Errorf("namesrv: the key-value table: %w", err)
		}
		if err := t.save(data); err != nil {
			return fmt.Errorf("namesrv: the key-value table was not saved: %w", err)
		}
	}
	t.spaces = next.Spaces
	return nil
}

// changeKV is change with what follows from it.
func (n *Namesrv) changeKV(space string, change func(map[string]string)) error {
	if err := n.kv.change(space, change); err != nil {
		return err
	}
	if space == orderNamespace && n.rules.Load().OrderInRoutes {
		n.mu.Lock()
		n.generation++
		n.mu.Unlock()
	}
	return nil
}
