package namesrv

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// Registration is what a broker tells of its topics.
type Registration struct {
	Topics   []*meta.TopicConfig // sorted by name when decoded
	Version  meta.DataVersion
	Mappings map[string]json.RawMessage // of static topics, by topic
}

// ErrRegistration is a registration's body that makes no sense.
var ErrRegistration = errors.New("bad registration")

// maxInflated bounds the decompressed body, in bytes: a small one could otherwise unfold to gigabytes.
const maxInflated = 128 << 20

const (
	version3011 = 37 // of RocketMQ; from it on the body has an outer object
	version500  = remoting.Version50
)

type tableJSON struct {
	Version  meta.DataVersion             `json:"dataVersion"`
	Topics   map[string]*meta.TopicConfig `json:"topicConfigTable"`
	Mappings map[string]json.RawMessage   `json:"topicQueueMappingInfoMap,omitempty"`
}

type bodyJSON struct {
	Filters []string  `json:"filterServerList"`
	Table   tableJSON `json:"topicConfigSerializeWrapper"`
}

// decodeRegistration reads a body that a broker of a version sent. Errors wrap ErrRegistration.
func decodeRegistration(body []byte, version int32) (*Registration, error) {
	var b bodyJSON
	var err error
	switch {
	case len(body) == 0:
	case body[0] == 0x78:
		err = inflate(body, version, maxInflated, &b.Table)
	case version < version3011:
		err = fastjson.Unmarshal(body, &b.Table)
	default:
		err = fastjson.Unmarshal(body, &b)
	}
	if err != nil {
		return nil, fmt.Errorf("namesrv: %w (%d bytes, version %d): %w", ErrRegistration, len(body), version, err)
	}
	r := &Registration{Version: b.Table.Version, Mappings: b.Table.Mappings}
	for _, name := range slices.Sorted(maps.Keys(b.Table.Topics)) {
		if c := b.Table.Topics[name]; c != nil {
			c.Name = name
			r.Topics = append(r.Topics, c)
		}
	}
	return r, nil
}

func (r *Registration) table() tableJSON {
	t := tableJSON{Version: r.Version, Topics: make(map[string]*meta.TopicConfig, len(r.Topics)), Mappings: r.Mappings}
	for _, c := range r.Topics {
		t.Topics[c.Name] = c
	}
	return t
}

// encode writes a body, compressed if asked for.
func (r *Registration) encode(compress bool) ([]byte, error) {
	if !compress {
		return json.Marshal(&bodyJSON{Filters: []string{}, Table: r.table()})
	}
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	w := blockWriter{w: z}
	w.json(r.Version)
	w.int(len(r.Topics))
	for _, c := range r.Topics {
		attributes, err := json.Marshal(c.Attributes)
		if err != nil {
			return nil, err
		}
		w.block(fmt.Appendf(nil, "%s %d %d %d %s %s", c.Name, c.ReadQueues, c.WriteQueues, c.Perm, c.FilterType, attributes))
	}
	w.json([]string{})
	w.int(len(r.Mappings))
	for _, mapping := range r.Mappings {
		w.block(mapping)
	}
	if err := errors.Join(w.err, z.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// blockWriter writes integers and blocks until something fails.
type blockWriter struct {
	w   io.Writer
	err error
}

func (w *blockWriter) int(n int) { w.write(binary.BigEndian.AppendUint32(nil, uint32(n))) }

func (w *blockWriter) block(b []byte) {
	w.int(len(b))
	w.write(b)
}

func (w *blockWriter) json(v any) {
	b, err := json.Marshal(v)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.block(b)
}

func (w *blockWriter) write(b []byte) {
	if w.err == nil {
		_, w.err = w.w.Write(b)
	}
}

// inflate reads the compressed form, of up to limit bytes once inflated.
func inflate(body []byte, version int32, limit int64, t *tableJSON) error {
	z, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err != nil {
		return err
	}
	if int64(len(data)) > limit {
		return fmt.Errorf("it inflates to more than %d bytes", limit)
	}
	r := blockReader{data: data}
	r.json("the version", &t.Version)
	topics := r.count("the number of topics")
	t.Topics = map[string]*meta.TopicConfig{}
	for i := 0; i < topics && r.err == nil; i++ {
		c, err := parseTopic(string(r.block("a topic")))
		if err != nil && r.err == nil {
			r.err = err
		}
		t.Topics[c.Name] = c
	}
	r.block("the filter servers")
	if version < version500 || r.err != nil {
		return r.err
	}
	mappings := r.count("the number of mappings")
	t.Mappings = map[string]json.RawMessage{}
	for i := 0; i < mappings && r.err == nil; i++ {
		var mapping json.RawMessage
		var name struct {
			Topic string `json:"topic"`
		}
		if r.json("a mapping", &mapping); r.err == nil && json.Unmarshal(mapping, &name) == nil {
			t.Mappings[name.Topic] = mapping
		}
	}
	return r.err
}

// parseTopic reads "name readQueues writeQueues permission filterType attributes".
func parseTopic(text string) (*meta.TopicConfig, error) {
	parts := strings.SplitN(text, " ", 6)
	c := meta.NewTopic(parts[0], 0)
	if len(parts) < 5 {
		return &c, fmt.Errorf("topic %q: %d parts, 5 or 6 are expected", text, len(parts))
	}
	for i, p := range []*int32{&c.ReadQueues, &c.WriteQueues, &c.Perm} {
		n, err := strconv.ParseInt(parts[i+1], 10, 32)
		if err != nil {
			return &c, fmt.Errorf("topic %q: %w", text, err)
		}
		*p = int32(n)
	}
	c.FilterType = parts[4]
	if len(parts) == 6 && parts[5] != "" {
		if err := fastjson.Unmarshal([]byte(parts[5]), &c.Attributes); err != nil {
			return &c, fmt.Errorf("topic %q: %w", text, err)
		}
	}
	return &c, nil
}

// blockReader reads integers and blocks until something is missing.
type blockReader struct {
	data []byte
	err  error
}

// count reads an integer that says how many blocks follow, or bytes: never more than there are bytes.
func (r *blockReader) count(what string) int {
	if r.err != nil {
		return 0
	}
	if len(r.data) < 4 {
		r.err = fmt.Errorf("%s is missing", what)
		return 0
	}
	n := binary.BigEndian.Uint32(r.data)
	if r.data = r.data[4:]; uint64(n) > uint64(len(r.data)) {
		r.err = fmt.Errorf("%s: %d, but only %d bytes follow", what, n, len(r.data))
		return 0
	}
	return int(n)
}

func (r *blockReader) block(what string) []byte {
	n := r.count(what)
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *blockReader) json(what string, v any) {
	b := r.block(what)
	if r.err != nil {
		return
	}
	if err := fastjson.Unmarshal(b, v); err != nil {
		r.err = fmt.Errorf("%s: %w", what, err)
	}
}
