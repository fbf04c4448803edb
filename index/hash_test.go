package index

import (
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// javaHash is String.hashCode by its definition.
func javaHash(s string) int32 {
	var h int32
	for _, u := range utf16.Encode([]rune(s)) {
		h = 31*h + int32(u)
	}
	return h
}

func TestKeyHashIsThatOfTheGoldenStore(t *testing.T) {
	const want = 0x73fa7e51
	if got := KeyHash("GoldenNormal", "FD000000000000000000000000000002"+"29DF30946E0974D42F460000"); got != want {
		t.Errorf("KeyHash = %#x, RocketMQ has %#x", got, want)
	}
}

func TestHashIsJavasOnAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z0-9_%-]{0,70}`), rapid.StringMatching(`[a-z]{0,20}[\x{7f}-\x{10ffff}]{0,3}[a-z]{0,20}`))
		topic, key := text.Draw(t, "topic"), text.Draw(t, "key")
		want := absolute(javaHash(topic + "#" + key))
		if got := KeyHash(topic, key); got != want {
			t.Errorf("KeyHash(%q, %q) = %d, Java %d", topic, key, got, want)
		}
		if got := KeyHash([]byte(topic), []byte(key)); got != want {
			t.Errorf("KeyHash of bytes = %d, Java %d", got, want)
		}
		if got, want := TagHash(topic, key), absolute(javaHash(topic+"#T#"+key)); got != want {
			t.Errorf("TagHash = %d, Java %d", got, want)
		}
	})
}

func TestTheHashWithoutPositiveCounterpartIsZero(t *testing.T) {
	if h := hashUTF16(0, "polygenelubricants"); h != -1<<31 || absolute(h) != 0 {
		t.Errorf("hash %d, absolute %d", h, absolute(h))
	}
}

func TestInvalidUTF8HashesAsReplacementCharacters(t *testing.T) {
	if got, want := hashUTF16(0, "a\xff\xe2\x82"), javaHash("a\ufffd\ufffd\ufffd"); got != want {
		t.Errorf("got %d, expected %d", got, want)
	}
}

func TestHashingAllocatesNothing(t *testing.T) {
	topic, key := []byte("some-topic-日本"), []byte("FD00000000000000000000000000000229DF30946E0974D42F460000")
	if n := testing.AllocsPerRun(100, func() { KeyHash(topic, key); KeyHash("topic", "key"); TagHash(topic, key) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
