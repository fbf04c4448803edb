package admin

import (
	"errors"
	"testing"

	"github.com/magiconair/properties"

	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestAConfigurationIsReadAsItIsWritten(t *testing.T) {
	c := newCluster(t, 1)
	// Nothing is escaped, whatever the value.
	c.say(remoting.CodeGetBrokerConfig, answer{body: "a=1\nurl=http://h:1/?x=y\npath=C:\\new\nempty=\nno line\n\ncrlf=2\r\n"})
	list, err := c.client.BrokerConfig(t.Context(), Target{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "1", "url": "http://h:1/?x=y", "path": `C:\new`, "empty": "", "crlf": "2"}
	equal(t, "configuration", list, []BrokerTable{{Broker{"c", "b0", 0, c.brokers[0].addr}, want}})
}

func TestAConfigurationThatIsSetIsReadAsOneOfJavas(t *testing.T) {
	c := newCluster(t, 1)
	for _, value := range []string{"", "1", " a b ", `C:\new`, "a=b:c#d!e", "two\nlines\t", "ü"} {
		b := newFake(t)
		b.says(remoting.CodeUpdateBrokerConfig, answer{})
		if _, err := c.client.SetBrokerConfig(t.Context(), Target{Broker: b.addr}, "key", value); err != nil {
			t.Fatal(err)
		}
		body := b.first(t, remoting.CodeUpdateBrokerConfig).body
		p, err := (&properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}).LoadBytes([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := p.Get("key"); !ok || got != value || p.Len() != 1 {
			t.Errorf("%q was sent as %q, which is read as %q", value, body, got)
		}
	}
	for _, key := range []string{"", "a b", "a=b", "a\nb", "#a"} {
		if _, err := c.client.SetBrokerConfig(t.Context(), Target{}, key, "v"); !errors.Is(err, ErrInput) {
			t.Errorf("key %q: %v", key, err)
		}
	}
}
