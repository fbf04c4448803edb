package remoting

import (
	"bytes"
	"encoding/hex"
	"maps"
	"os"
	"strings"
	"testing"
)

// javaFrames are what RemotingCommand of RocketMQ 5.5.0 encoded, in both forms, by their names.
func javaFrames(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/java-frames.txt")
	if err != nil {
		t.Fatal(err)
	}
	frames := make(map[string][]byte)
	for line := range strings.Lines(string(text)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		if frames[name], err = hex.DecodeString(digits); err != nil {
			t.Fatal(err)
		}
	}
	return frames
}

// javaCommands are what those frames say.
var javaCommands = map[string]struct {
	Command
	remark, body string
	fields       map[string]string
}{
	"heartbeat": {Command{Code: CodeHeartBeat, Opaque: 7, Language: LanguageJava, Version: Version55}, "", "{}", nil},
	"oneway": {Command{Code: CodeUpdateConsumerOffset, Opaque: 8, Language: LanguageGo, Version: 317, Flag: FlagOneway}, "", "",
		map[string]string{"consumerGroup": "g", "topic": "t", "queueId": "3", "commitOffset": "9223372036854775807"}},
	"answer": {Command{Code: RespSuccess, Opaque: -1, Language: LanguageRust, Version: 475, Flag: FlagResponse}, "rémark \"quoted\" \x01\x02 😀", "hi",
		map[string]string{"msgId": "7F00000100002A9F0000000000000000", "empty": ""}},
	"pop": {Command{Code: CodePopMessage, Opaque: 9, Language: LanguageCPP, Version: 32767}, "", "", map[string]string{"a/b": "中文\tx\\y"}},
	"negative": {Command{Code: RespRPCSendToChannelFailed, Opaque: 2147483647, Language: LanguageNodeJS, Flag: FlagResponse | FlagOneway}, "", "",
		nil},
	"sendV2": {Command{Code: CodeSendMessageV2, Opaque: 10, Language: LanguageJava, Version: Version55}, "", "body", map[string]string{
		"a": "pg", "b": "TopicTest", "c": "TBW102", "d": "4", "e": "2", "f": "0", "g": "1785000000123", "h": "0",
		"i": "UNIQ_KEY\x010A00\x02WAIT\x01true\x02", "j": "0", "k": "false", "m": "false", "n": "broker-a"}},
}

func TestFramesOfThePeersCodecAreRead(t *testing.T) {
	frames := javaFrames(t)
	if len(frames) != 2*len(javaCommands) {
		t.Fatalf("%d frames, expected %d", len(frames), 2*len(javaCommands))
	}
	for name, frame := range frames {
		form, what, _ := strings.Cut(name, "/")
		want := javaCommands[what]
		fields := maps.Clone(want.fields)
		if want.Binary = form == "ROCKETMQ"; want.Binary {
			want.Code = int32(int16(want.Code)) // there are 16 bits for it
			maps.DeleteFunc(fields, func(_, v string) bool { return v == "" })
		}
		var c Command
		if size, err := frameSize(frame, 1<<20); err != nil || size != len(frame) {
			t.Fatalf("%s: size %d of %d, %v", name, size, len(frame), err)
		}
		if _, err := decodeFrame(&c, bytes.Clone(frame), nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.Code != want.Code || c.Opaque != want.Opaque || c.Language != want.Language || c.Version != want.Version || c.Flag != want.Flag ||
			c.Binary != want.Binary || string(c.Remark) != want.remark || string(c.Body) != want.body || !maps.Equal(asMap(c.Fields), fields) {
			t.Errorf("%s:\n got %+v %q\nwant %+v %q", name, c, asMap(c.Fields), want.Command, fields)
		}
	}
}

// A code beyond 16 bits would arrive as another one.
func TestRequestsWhoseCodeDoesNotFitABinaryHeaderGoOutAsJSON(t *testing.T) {
	codes := make(chan Command, 1)
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		codes <- Command{Code: cmd.Code, Binary: cmd.Binary}
		echo(c, cmd)
	}), ServerOptions{})
	k := dial(t, Dialer{}, addr)
	for code, binary := range map[int32]bool{CodePopMessage: false, 32768: false, 32767: true, -32768: true, -32769: false} {
		if _, err := k.Call(t.Context(), &Request{Code: code, Binary: true}); err != nil {
			t.Fatal(err)
		}
		if got := <-codes; got.Code != code || got.Binary != binary {
			t.Errorf("%d arrived as %d, binary %v", code, got.Code, got.Binary)
		}
	}
}
