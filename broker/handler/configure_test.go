package handler_test

import (
	"testing"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestTheConfigurationIsReadAndChanged(t *testing.T) {
	f := start(t, vfs.NewMem(), func(c *config.Config) { c.MaxQueryMessages = 7 })
	c := f.dial(t)
	r := c.ok(t, remoting.CodeGetBrokerConfig, nil, nil)
	contains(t, r.Body, "defaultQueryMaxNum=7\n", "brokerPermission=6\n")
	contains(t, []byte(r.Fields.Str("version")), `"counter":`)
	version := f.Topics.Version()
	c.ok(t, remoting.CodeUpdateBrokerConfig, nil, []byte("brokerPermission=4\n"))
	c.fails(t, remoting.RespNoPermission, remoting.CodeSendMessageV2, sendFields("orders", 0), []byte("x"))
	if f.Topics.Version() == version {
		t.Error("name servers would not take the new permission")
	}
	for text, code := range map[string]int32{
		"listenPort=1": remoting.RespInvalidParameter, "nonsense=1": remoting.RespInvalidParameter, "brokerPermission=x": remoting.RespInvalidParameter,
		"brokerConfigPath=/etc/passwd": remoting.RespNoPermission,
	} {
		if r := c.fails(t, code, remoting.CodeUpdateBrokerConfig, nil, []byte(text+"\nlongPollingEnable=false")); r.Remark == "" {
			t.Errorf("%s: no remark", text)
		}
	}
	contains(t, c.ok(t, remoting.CodeGetBrokerConfig, nil, nil).Body, "brokerPermission=4\n", "longPollingEnable=true\n")
}

func TestAChangedConfigurationIsWrittenToItsFile(t *testing.T) {
	mem := vfs.NewMem()
	if err := vfs.WriteFileAtomic(mem, "broker.conf", []byte("# mine\nbrokerPermission = 6\n")); err != nil {
		t.Fatal(err)
	}
	f := start(t, mem, nil)
	c := f.dial(t)
	c.ok(t, remoting.CodeUpdateBrokerConfig, nil, []byte("brokerPermission=4\nfileReservedTime=48\nlongPollingEnable=true"))
	b, err := vfs.ReadFile(mem, "broker.conf")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "file", string(b), "# mine\nbrokerPermission=4\nfileReservedTime=48\n")
}
