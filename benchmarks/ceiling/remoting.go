package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/driver"
)

// Request and response codes of RocketMQ's Remoting protocol.
const (
	codeSuccess      = 0
	codeNotSupported = 3
	codeCreateTopic  = 17
	codeHeartbeat    = 34
	codeSend         = 310

	maxQueues = 1 << 16
)

// emptyBroker answers sends like a broker that has nothing to do but to read a frame and to write a valid answer: it counts a queue's
// offsets, whatever the topic, and forgets the message, unless it is to be kept. It reads JSON headers only, and of them only what the answer needs.
type emptyBroker struct {
	next [maxQueues]atomic.Int64 // by queue id: the next offset
	keep *keeper                 // what sends are written to; nil: nothing
}

// serveRemoting is an empty broker, or one that keeps what it is sent.
func serveRemoting(ctx context.Context, args []string) (err error) {
	fs := flag.NewFlagSet("serve remoting", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	dir := fs.String("data", "", "`directory` for a file that every send is written to before it is answered; none: they are forgotten")
	every := fs.Duration("sync", 500*time.Millisecond, "how `often` that file is synced")
	if err := driver.Parse(fs, args); err != nil {
		return err
	}
	if *every <= 0 {
		return fmt.Errorf("-sync %v, expected more than nothing", *every)
	}
	b := &emptyBroker{}
	if *dir != "" {
		if b.keep, err = newKeeper(filepath.Join(*dir, "ceiling-remoting")); err != nil {
			return err
		}
		stop := b.keep.syncEvery(*every)
		defer func() { err = errors.Join(err, stop(), b.keep.close()) }()
	}
	return listen(ctx, *addr, func(c net.Conn) error { return frames(c, b.answer) })
}

// answer appends the answer to a frame, which is without its length.
func (b *emptyBroker) answer(out, frame []byte) ([]byte, error) {
	if len(frame) < 4 {
		return nil, fmt.Errorf("frame of %d bytes, expected at least 4", len(frame))
	}
	size := binary.BigEndian.Uint32(frame) // with the serialization, 0 for JSON, in the top byte
	if int64(size) > int64(len(frame)-4) {
		return nil, fmt.Errorf("header of %d bytes in a frame of %d, or not JSON", size, len(frame))
	}
	header := frame[4 : 4+size]
	code, err := number(header, `"code":`)
	if err != nil {
		return nil, err
	}
	opaque, err := number(header, `"opaque":`)
	if err != nil {
		return nil, err
	}
	switch code {
	case codeSend:
		if b.keep != nil {
			if err := b.keep.write(frame); err != nil {
				return nil, err
			}
		}
		return b.send(out, header, opaque)
	case codeCreateTopic, codeHeartbeat:
		return appendAnswer(out, codeSuccess, opaque, ""), nil
	}
	return appendAnswer(out, codeNotSupported, opaque, `,"remark":"this server has no messages"`), nil
}

func (b *emptyBroker) send(out, header []byte, opaque int64) ([]byte, error) {
	queue, err := number(header, `"e":"`)
	if err != nil {
		return nil, err
	}
	if queue < 0 || queue >= maxQueues {
		return nil, fmt.Errorf("queue %d, expected 0 … %d", queue, maxQueues-1)
	}
	at := len(out)
	out = append(out, 0, 0, 0, 0, 0, 0, 0, 0)
	out = append(out, `{"code":0,"extFields":{"msgId":"7F00000100002A9F0000000000000000","queueId":"`...)
	out = strconv.AppendInt(out, queue, 10)
	out = append(out, `","queueOffset":"`...)
	out = strconv.AppendInt(out, b.next[queue].Add(1)-1, 10)
	out = append(out, `"},"flag":1,"language":"GO","opaque":`...)
	return closeAnswer(out, at, opaque), nil
}

// appendAnswer appends an answer without fields. Members, if any, begins with a comma.
func appendAnswer(out []byte, code int, opaque int64, members string) []byte {
	at := len(out)
	out = append(out, 0, 0, 0, 0, 0, 0, 0, 0)
	out = fmt.Appendf(out, `{"code":%d%s,"flag":1,"language":"GO","opaque":`, code, members)
	return closeAnswer(out, at, opaque)
}

// closeAnswer completes the header, and the two lengths at the beginning of the frame, which is out[at:].
func closeAnswer(out []byte, at int, opaque int64) []byte {
	out = strconv.AppendInt(out, opaque, 10)
	out = append(out, `,"serializeTypeCurrentRPC":"JSON","version":501}`...)
	binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	binary.BigEndian.PutUint32(out[at+4:], uint32(len(out)-at-8))
	return out
}

// number returns the digits behind a key in JSON. The key's quotes can't stand within a value, where they would be escaped.
func number(header []byte, key string) (int64, error) {
	at := bytes.Index(header, []byte(key))
	if at < 0 {
		return 0, fmt.Errorf("no %s in header %.200q", key, header)
	}
	var n int64
	from := at + len(key)
	for _, c := range header[from:] {
		if c < '0' || c > '9' {
			break
		}
		if n = n*10 + int64(c-'0'); n > 1<<32 {
			return 0, fmt.Errorf("a number too large behind %s in header %.200q", key, header)
		}
	}
	return n, nil
}
