package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zlib"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

// javaSource has the Maven project that names the jars of RocketMQ, and the client that the tests talk to.
const javaSource = "../../.ci/interop/java"

// javaTimeout bounds each single thing that a Java process is asked for.
const javaTimeout = 60 * time.Second

// java is what is needed to run RocketMQ beside Gantry.
type java struct {
	classPath string
	dir       string // for logs and the like
}

// needJava finds the Java side, or skips the test: it fails if GANTRY_REQUIRE_INTEROP=1 says that it must be there.
func needJava(t *testing.T) *java {
	t.Helper()
	required := os.Getenv("GANTRY_REQUIRE_INTEROP") == "1"
	miss := func(format string, args ...any) {
		t.Helper()
		if required {
			t.Fatalf(format, args...)
		}
		t.Skipf("no Java broker to compare with: "+format, args...)
	}
	if testing.Short() && !required {
		miss("-short")
	}
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			miss("%v", err)
		}
	}
	j := &java{dir: t.TempDir()}
	out := filepath.Join(j.dir, "classpath")
	args := []string{"-q", "-B", "-f", filepath.Join(javaSource, "pom.xml"), "dependency:build-classpath", "-Dmdep.outputFile=" + out}
	if !required {
		args = append(args, "--offline")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	if said, err := exec.CommandContext(ctx, "mvn", args...).CombinedOutput(); err != nil {
		miss("mvn %s: %v: %.300s", strings.Join(args, " "), err, said)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	j.classPath = strings.TrimSpace(string(b))
	return j
}

// process is a running Java program.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	done chan struct{} // closed when it has ended
}

// start runs a Java program until it is stopped, or until the test ends.
func (j *java) start(t *testing.T, heapMiB int, args ...string) *process {
	t.Helper()
	args = append([]string{
		fmt.Sprintf("-Xmx%dm", heapMiB), "-XX:MaxDirectMemorySize=256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.home=" + j.dir,
		"-Drocketmq.broker.diskSpaceWarningLevelRatio=0.99", "-cp", j.classPath,
	}, args...)
	p := &process{cmd: exec.Command("java", args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "ROCKETMQ_HOME="+j.dir)
	said := new(logLines)
	p.cmd.Stderr = said
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewScanner(out)
	go func() {
		defer close(p.done)
		_, _ = p.cmd.Process.Wait() // how it ended is of no interest: what it did is looked at
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("%s said: %.2000s", args[len(args)-1], said)
		}
	})
	return p
}

// stop ends a program in order.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(javaTimeout):
		t.Fatal("the Java broker doesn't stop")
	}
}

// ask gives a command to the client and returns the lines of its answer, split into fields.
func (p *process) ask(t *testing.T, format string, args ...any) [][]string {
	t.Helper()
	command := fmt.Sprintf(format, args...)
	watch := time.AfterFunc(javaTimeout, func() { _ = p.cmd.Process.Kill() })
	defer watch.Stop()
	if _, err := io.WriteString(p.in, command+"\n"); err != nil {
		t.Fatal(err)
	}
	var lines [][]string
	for p.out.Scan() {
		switch fields := strings.Split(p.out.Text(), "\t"); fields[0] {
		case "ok":
			return lines
		case "failed":
			t.Fatalf("%s: %s", command, fields[1:])
		case "M", "S":
			lines = append(lines, fields[1:])
		}
	}
	t.Fatalf("%s: the Java client has died or taken more than %v", command, javaTimeout)
	return nil
}

// freePorts finds a port with its neighbours, which a broker takes as well, unused. It looks below the range in which connections
// get theirs, where the next one could be taken at any moment.
func freePorts(t *testing.T, below, above int) int {
	t.Helper()
next:
	for range 1000 {
		port := 20_000 + rand.IntN(12_000)
		for p := port - below; p <= port+above; p++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p))
			if err != nil {
				continue next
			}
			l.Close()
		}
		return port
	}
	t.Fatal("no free ports")
	return 0
}

// waitFor waits until a port is listened on.
func (p *process) waitFor(t *testing.T, port int) {
	t.Helper()
	for deadline := time.Now().Add(javaTimeout); time.Now().Before(deadline); {
		if c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second); err == nil {
			c.Close()
			return
		}
		select {
		case <-p.done:
			t.Fatal("the Java process ended at once")
		case <-time.After(50 * time.Millisecond): // another process: there is no event to wait for
		}
	}
	t.Fatalf("nobody listens on port %d", port)
}

// peers are a Java name server and a client, which stay, and brokers, which come and go on one port.
type peers struct {
	java        *java
	names, port int
	client      *process
}

func (j *java) meet(t *testing.T) *peers {
	t.Helper()
	p := &peers{java: j, names: freePorts(t, 0, 0), port: freePorts(t, 2, 1)}
	namesrv := j.start(t, 128, "org.apache.rocketmq.namesrv.NamesrvStartup", "-c", j.file(t, "namesrv.conf", fmt.Sprintf("listenPort=%d", p.names)))
	p.client = j.start(t, 256, filepath.Join(javaSource, "Interop.java"), fmt.Sprintf("127.0.0.1:%d", p.names))
	namesrv.waitFor(t, p.names)
	return p
}

// file writes a configuration file.
func (j *java) file(t *testing.T, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(j.dir, name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// serve starts the Java broker on a store that was written with o.
func (p *peers) serve(t *testing.T, o Options) *process {
	t.Helper()
	broker := p.java.start(t, 512, "org.apache.rocketmq.broker.BrokerStartup", "-c", p.java.file(t, "broker.conf",
		"brokerClusterName=DefaultCluster", "brokerName=broker-a", "brokerId=0", "brokerIP1=127.0.0.1",
		fmt.Sprintf("listenPort=%d", p.port), fmt.Sprintf("namesrvAddr=127.0.0.1:%d", p.names),
		"storePathRootDir="+o.Root, "storePathCommitLog="+filepath.Join(o.Root, "commitlog"),
		fmt.Sprintf("mappedFileSizeCommitLog=%d", o.Log.SegmentSize), fmt.Sprintf("mappedFileSizeConsumeQueue=%d", o.QueueFile),
		fmt.Sprintf("maxHashSlotNum=%d", o.IndexSlots), fmt.Sprintf("maxIndexNum=%d", o.IndexEntries),
		"enableLmq=true", "enableMultiDispatch=true", "enabledAppendPropCRC=true", "timerWheelEnable=false",
		"diskMaxUsedSpaceRatio=95", "fileReservedTime=7200"))
	broker.waitFor(t, p.port)
	return broker
}

// written is a message that Gantry stored and what a Java client must see of it.
type written struct {
	topic              string
	queueID            int32
	queueOffset, log   int64
	unique, tags, keys string
	body               []byte
	members            int // messages in it, of an inner batch
	reconsumeTimes     int32
	memberID           []string
}

// javaStoreOptions are for a store that goes to and fro.
func javaStoreOptions(t *testing.T, root string) Options {
	t.Helper()
	dir := meta.Options{FS: vfs.OS(), Dir: filepath.Join(root, "config")}
	topics, err := meta.OpenTopics(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	batch := meta.NewTopic("JBatch", 2)
	batch.Attributes = map[string]string{meta.AttrQueueType: "BatchCQ"}
	for _, c := range []meta.TopicConfig{meta.NewTopic("JNormal", 4), meta.NewTopic("JOther", 8), batch} {
		if _, err := topics.Put(c, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := topics.Persist(); err != nil {
		t.Fatal(err)
	}
	return Options{
		FS: vfs.OS(), Root: root, Log: commitlog.Options{SegmentSize: 256 << 10, CRCProperty: true},
		QueueFile: 2000, IndexSlots: 500, IndexEntries: 2000, MultiDispatch: true,
		DelayLevels: peerDelays, Topics: tableOfTopics{topics}, Logger: testLogger(t),
	}
}

// write stores messages of all kinds and returns what they are. It fills several segments, queue and index files.
func write(t *testing.T, s *Store) []written {
	t.Helper()
	var all []written
	store := func(d record.Draft, w written) {
		t.Helper()
		d = appendAll(t, s, d)[0]
		w.topic, w.queueID, w.queueOffset, w.log, w.reconsumeTimes = d.Topic, d.QueueID, d.QueueOffset, d.LogOffset, d.ReconsumeTimes
		all = append(all, w)
	}
	for i := range 900 {
		topic, id := "JNormal", int32(i%4)
		if i%3 == 0 {
			topic, id = "JOther", int32(i%8)
		}
		w := written{unique: fmt.Sprintf("0A00000700002A%018X", i), tags: fmt.Sprintf("tag%d", i%5), body: bytes.Repeat([]byte{byte('a' + i%26)}, 100+i*7%1500)}
		props := record.AppendProperty(nil, record.PropUniqKey, w.unique)
		props = record.AppendProperty(props, record.PropTags, w.tags)
		if i%2 == 0 {
			w.keys = fmt.Sprintf("order-%d buyer-%d", i, i%7)
			props = record.AppendProperty(props, record.PropKeys, w.keys)
		}
		props = record.AppendProperty(props, "unicode", "日本語-é")
		if i%50 == 1 {
			props = record.AppendProperty(props, record.PropMultiDispatch, "%LMQ%device-1,%LMQ%device-2")
		}
		d := draftTo(s, topic, id, string(props))
		d.Body, d.ReconsumeTimes = w.body, int32(i%4)
		if i%10 == 5 {
			var b bytes.Buffer
			z := zlib.NewWriter(&b)
			_, err := z.Write(w.body)
			if err := errors.Join(err, z.Close()); err != nil {
				t.Fatal(err)
			}
			d.Body, d.SysFlag = b.Bytes(), record.SysCompressed|record.SysCompressionZlib
		}
		store(d, w)
	}
	for i := range 20 {
		store(innerBatch(s, "JBatch", int32(i%2), 3+i%4))
	}
	return all
}

// innerBatch is a batch that is stored as one record.
func innerBatch(s *Store, topic string, id int32, members int) (record.Draft, written) {
	w := written{members: members, unique: fmt.Sprintf("0A00000700002B%018X", s.Log.Max())}
	var body []byte
	for i := range members {
		w.memberID = append(w.memberID, fmt.Sprintf("%s%d", w.unique[:31], i))
		props := record.AppendProperty(nil, record.PropUniqKey, w.memberID[i])
		item := fmt.Appendf(nil, "member %d", i)
		body = appendBatchItem(body, item, props)
	}
	props := record.AppendProperty(nil, record.PropUniqKey, w.unique)
	d := draftTo(s, topic, id, string(props))
	d.MoreProperties = record.AppendProperty(nil, record.PropInnerNum, itoa(int64(members)))
	d.Body, d.SysFlag = body, record.SysInnerBatch|record.SysNeedUnwrap
	return d, w
}

// seen is what the Java client tells of a message.
type seen struct {
	topic, queueID, queueOffset, log, unique, tags, keys, reconsume, body string
}

func (w written) expected() []seen {
	sum := func(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }
	one := seen{w.topic, itoa(int64(w.queueID)), itoa(w.queueOffset), itoa(w.log), w.unique, w.tags, w.keys, itoa(int64(w.reconsumeTimes)), sum(w.body)}
	if w.members == 0 {
		return []seen{one}
	}
	var all []seen
	for i := range w.members {
		m := one
		m.queueOffset, m.unique, m.body = itoa(w.queueOffset+int64(i)), w.memberID[i], sum(fmt.Appendf(nil, "member %d", i))
		all = append(all, m)
	}
	return all
}

func seenOf(lines [][]string) map[seen]bool {
	all := make(map[seen]bool)
	for _, f := range lines {
		all[seen{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8]}] = true
	}
	return all
}

// check compares everything that a Java consumer gets with what was written.
func (p *peers) check(t *testing.T, all []written) {
	t.Helper()
	got := make(map[seen]bool)
	for _, topic := range []string{"JNormal", "JOther", "JBatch"} {
		for m := range seenOf(p.client.ask(t, "read %s *", topic)) {
			got[m] = true
		}
	}
	want := 0
	for _, w := range all {
		for _, m := range w.expected() {
			want++
			if !got[m] {
				t.Errorf("the Java consumer doesn't get %+v", m)
			}
			if t.Failed() && want > 20 {
				t.FailNow()
			}
		}
	}
	if len(got) != want {
		t.Errorf("the Java consumer gets %d messages, expected %d", len(got), want)
	}
	tagged := seenOf(p.client.ask(t, "read JNormal tag1||tag3"))
	for i := 0; i < len(all); i += 37 {
		w := all[i]
		if w.members > 0 {
			continue
		}
		if m := w.expected()[0]; w.topic == "JNormal" && tagged[m] != (w.tags == "tag1" || w.tags == "tag3") {
			t.Errorf("filtered by tags: %v for %+v", tagged[m], m)
		}
		for key := range strings.FieldsSeq(w.keys) {
			if !strings.HasPrefix(key, "order") {
				continue
			}
			if found := seenOf(p.client.ask(t, "query %s %s", w.topic, key)); !found[w.expected()[0]] {
				t.Errorf("query of %s: %v, without %+v", key, found, w.expected()[0])
			}
		}
	}
}

func TestTheJavaBrokerOpensWhatGantryWrote(t *testing.T) {
	p := needJava(t).meet(t)
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed=%v", killed), func(t *testing.T) {
			root := t.TempDir()
			o := javaStoreOptions(t, root)
			s := mustOpen(t, o)
			all := write(t, s)
			if killed {
				// What a killed process leaves is what the kernel has of its files.
				o.Root = t.TempDir()
				if err := os.CopyFS(o.Root, os.DirFS(root)); err != nil {
					t.Fatal(err)
				}
			}
			mustClose(t, s)

			broker := p.serve(t, o)
			p.check(t, all)
			sent := p.client.ask(t, "send JNormal 40")
			broker.stop(t)

			s = mustOpen(t, o)
			if r := s.Recovery(); !r.Clean || !r.Foreign {
				t.Errorf("recovery after the Java broker: %+v, expected clean and foreign", r)
			}
			for _, w := range all {
				checkStored(t, s, w)
			}
			for _, f := range sent {
				_, off, err := record.ParseMessageID(f[2])
				if err != nil {
					t.Fatal(err)
				}
				b, err := s.Record(off, nil)
				if err != nil {
					t.Fatal(err)
				}
				var r record.Record
				if err := record.Decode(b, &r); err != nil {
					t.Fatal(err)
				}
				if itoa(int64(r.QueueID)) != f[0] || itoa(r.QueueOffset) != f[1] {
					t.Errorf("message from Java: %s/%s in the answer, %d/%d in the log", f[0], f[1], r.QueueID, r.QueueOffset)
				}
				checkQueued(t, s, &r)
				checkIndexed(t, s, &r, true)
			}
			// And on it goes.
			d := appendTo(t, s, "JNormal", 0, "")
			var us [1]consumequeue.Unit
			if n, err := s.Queue("JNormal", 0).Read(us[:], d.QueueOffset); n != 1 || err != nil || us[0].LogOffset != d.LogOffset {
				t.Errorf("a message after the Java broker's: unit %+v, %d, %v", us[0], n, err)
			}
		})
	}
}

// checkStored reads a message back.
func checkStored(t *testing.T, s *Store, w written) {
	t.Helper()
	b, err := s.Record(w.log, nil)
	if err != nil {
		t.Fatal(err)
	}
	var r record.Record
	if err := record.Decode(b, &r); err != nil {
		t.Fatal(err)
	}
	if w.members == 0 && !bytes.Equal(uncompressed(t, &r), w.body) {
		t.Fatalf("message at %d: another body", w.log)
	}
	checkQueued(t, s, &r)
	checkIndexed(t, s, &r, false)
}
