package namesrv

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// masterID is the id of the broker that takes writes; replicas have higher ones.
const masterID = 0

// silence is how long a broker may give no sign of life unless it says otherwise.
const silence = 2 * time.Minute

// ErrUnregistered is the registration of a single topic by a broker that has not registered as a whole.
var ErrUnregistered = errors.New("the broker has not registered yet")

// Broker says who registers.
type Broker struct {
	Cluster, Name string
	ID            int64
	Addr          string        // host:port for clients
	HAAddr        string        // host:port for replicas
	Zone          string        // "": none
	Silence       time.Duration // after which it is forgotten; 0: 2 minutes, negative: never
	ActingMaster  bool          // the first replica may stand in for a missing master, for reading
	Old           bool          // before 5.0: only a master registers topics
}

// Registered is the answer to a registration.
type Registered struct {
	HAAddr, MasterAddr string // of the master, for a replica; "" if there is none
}

// broker is everything known by one broker name.
type broker struct {
	cluster, name, zone string
	actingMaster        bool
	addrs               map[int64]string // by id; never empty
}

func (b *broker) hasMaster() bool {
	_, ok := b.addrs[masterID]
	return ok
}

func (b *broker) firstID() int64 { return slices.Min(slices.Collect(maps.Keys(b.addrs))) }

// address is the place of one process.
type address struct{ cluster, addr string }

// live is one process that registered.
type live struct {
	name    string // of its broker
	seen    time.Time
	silence time.Duration
	version meta.DataVersion
	haAddr  string
	conn    *remoting.Conn // nil: it is in this process
}

// Register takes a registration that comes from within the process; its mappings must not change afterwards. It fails
// with ErrUnregistered.
func (n *Namesrv) Register(b Broker, r *Registration) (Registered, error) {
	return n.register(b, r, nil)
}

func (n *Namesrv) register(b Broker, r *Registration, conn *remoting.Conn) (Registered, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	self := address{b.Cluster, b.Addr}
	known := n.brokers[b.Name]
	if known != nil {
		if old, ok := known.addrs[b.ID]; ok && old != b.Addr {
			// Two processes claim the same place. The one that belongs to a later epoch of the controller has it.
			if l := n.live[address{b.Cluster, old}]; l != nil && l.version.StateVersion > r.Version.StateVersion {
				n.log.Warn("namesrv: a registration is ignored, a newer broker has its place",
					"broker", b.Name, "id", b.ID, "addr", b.Addr, "epoch", r.Version.StateVersion, "newer", old, "newerEpoch", l.version.StateVersion)
				delete(n.live, self)
				return Registered{}, nil
			} else if l != nil && (conn == nil || l.conn != conn) {
				n.log.Warn("namesrv: two brokers claim one place, the later registration has it", "broker", b.Name, "id", b.ID, "addr", b.Addr, "former", old)
			}
		}
	}
	if (known == nil || known.addrs[b.ID] == "") && len(r.Topics) == 1 {
		return Registered{}, fmt.Errorf("namesrv: topic %s of broker %s (id %d, %s): %w", r.Topics[0].Name, b.Name, b.ID, b.Addr, ErrUnregistered)
	}
	lower := known != nil && b.ID < known.firstID()
	first := n.place(b)
	known = n.brokers[b.Name]
	before := n.live[self]
	if master := b.ID == masterID; master || !b.Old && b.ID == known.firstID() {
		// A topic that comes alone has changed, whatever the version says.
		changed := first || before == nil || before.version != r.Version || len(r.Topics) == 1
		n.takeTopics(b, r, changed, !master && b.ActingMaster)
	}
	if before == nil {
		n.log.Info("namesrv: a broker registered", "cluster", b.Cluster, "broker", b.Name, "id", b.ID, "addr", b.Addr, "topics", len(r.Topics))
	}
	if b.Silence == 0 {
		b.Silence = silence
	}
	n.live[self] = &live{name: b.Name, seen: n.o.Now(), silence: b.Silence, version: r.Version, haAddr: b.HAAddr, conn: conn}
	if lower {
		n.noteMinID(known, "", b.HAAddr)
	}

	var answer Registered
	if b.ID != masterID && known.hasMaster() {
		if l := n.live[address{b.Cluster, known.addrs[masterID]}]; l != nil {
			answer = Registered{HAAddr: l.haAddr, MasterAddr: known.addrs[masterID]}
		}
	}
	return answer, nil
}

// place notes a broker's address under its name and id, and tells whether it is new there. It needs mu.
func (n *Namesrv) place(b Broker) (first bool) {
	known := n.brokers[b.Name]
	if known == nil {
		known = &broker{name: b.Name, addrs: map[int64]string{}}
		n.brokers[b.Name] = known
	}
	first = known.addrs[b.ID] == ""
	changed := known.addrs[b.ID] != b.Addr || known.cluster != b.Cluster || known.zone != b.Zone || known.actingMaster != b.ActingMaster
	known.cluster, known.zone, known.actingMaster = b.Cluster, b.Zone, b.ActingMaster
	// A process that changes its id, as a replica that becomes the master, has just the new one.
	for id, addr := range known.addrs {
		if addr == b.Addr && id != b.ID {
			delete(known.addrs, id)
			changed = true
		}
	}
	known.addrs[b.ID] = b.Addr
	if changed {
		n.generation++
	}
	return first
}

// Unregister forgets a broker's process.
func (n *Namesrv) Unregister(b Broker) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log.Info("namesrv: a broker unregistered", "cluster", b.Cluster, "broker", b.Name, "id", b.ID, "addr", b.Addr)
	n.remove(address{b.Cluster, b.Addr}, b.Name)
}

// remove forgets the process at a place, and its broker if it was the last. It needs mu.
func (n *Namesrv) remove(a address, name string) {
	delete(n.live, a)
	b := n.brokers[name]
	if b == nil {
		return
	}
	led := b.addrs[b.firstID()] == a.addr
	maps.DeleteFunc(b.addrs, func(_ int64, addr string) bool { return addr == a.addr })
	n.generation++
	if led && b.actingMaster {
		n.noteMinID(b, a.addr, "")
	}
	switch {
	case len(b.addrs) == 0:
		delete(n.brokers, name)
		for topicName, t := range n.topics {
			n.dropQueues(topicName, t, name)
		}
	case b.actingMaster && !b.hasMaster():
		n.setPerm(name, func(perm int32) int32 { return perm &^ meta.PermWrite })
	}
}

// Alive notes a sign of life and returns the version of the broker's registration; false if it has none, or if another
// process has taken its place since.
func (n *Namesrv) Alive(cluster, addr string) (meta.DataVersion, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.live[address{cluster, addr}]
	if l == nil {
		return meta.DataVersion{}, false
	}
	l.seen = n.o.Now()
	b := n.brokers[l.name]
	placed := b != nil && slices.Contains(slices.Collect(maps.Values(b.addrs)), addr)
	return l.version, placed
}

// Expire forgets the brokers that have been silent for too long, and closes their connections.
func (n *Namesrv) Expire() {
	var conns []*remoting.Conn
	n.mu.Lock()
	now := n.o.Now()
	for a, l := range n.live {
		if quiet := now.Sub(l.seen); l.silence >= 0 && quiet > l.silence {
			n.log.Warn("namesrv: a broker is silent", "broker", l.name, "addr", a.addr, "for", quiet, "allowed", l.silence)
			n.remove(a, l.name)
			if l.conn != nil {
				conns = append(conns, l.conn)
			}
		}
	}
	n.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}
