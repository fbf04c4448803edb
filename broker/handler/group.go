package handler

import (
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// createGroup creates a consumer group or changes it.
func (c *call) createGroup() error {
	var g meta.GroupConfig
	if err := fastjson.Unmarshal(c.cmd.Body, &g); err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	return c.putGroups(g)
}

// createGroups creates consumer groups or changes them, all or none.
func (c *call) createGroups() error {
	var body struct {
		Groups []meta.GroupConfig `json:"groupConfigList"`
	}
	if err := fastjson.Unmarshal(c.cmd.Body, &body); err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	return c.putGroups(body.Groups...)
}

func (c *call) putGroups(groups ...meta.GroupConfig) error {
	if err := c.h.Groups.Alter(groups...); err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	if err := c.h.Groups.Persist(); err != nil {
		return err
	}
	for i := range groups {
		c.h.Logger.Info("handler: group put", "group", groups[i].Name, "remote", c.c.RemoteAddr())
	}
	return c.ok()
}

// deleteGroup deletes a consumer group, on demand with what it has committed. That there is none is no error: the caller asks every
// broker of a cluster.
func (c *call) deleteGroup() error {
	name := c.cmd.Fields.Str("groupName")
	clean, err := c.cmd.Fields.Bool("cleanOffset", false)
	if err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	c.h.Groups.Delete(name)
	if err := c.h.Groups.Persist(); err != nil {
		return err
	}
	if clean {
		c.h.Offsets.RemoveGroup(name)
		if err := c.h.Offsets.Persist(); err != nil {
			return err
		}
	}
	c.h.stats.ForgetGroup(name)
	c.h.Logger.Info("handler: group deleted", "group", name, "offsetsToo", clean, "remote", c.c.RemoteAddr())
	return c.ok()
}

// allGroups answers with the whole table.
func (c *call) allGroups() error {
	all, version := c.h.Groups.All()
	table := make(map[string]*meta.GroupConfig, len(all))
	for _, g := range all {
		table[g.Name] = g
	}
	b, err := encode(struct {
		Version   meta.DataVersion             `json:"dataVersion"`
		Groups    map[string]*meta.GroupConfig `json:"subscriptionGroupTable"`
		Forbidden map[string]map[string]int32  `json:"forbiddenTable"`
	}{version, table, c.h.Groups.AllForbidden()})
	if err != nil {
		return err
	}
	w := c.c.Reply(c.t, remoting.RespSuccess, "")
	w.Int("totalGroupNum", int64(len(table)))
	w.Body(b)
	w.End()
	return nil
}

func (c *call) groupConfig() error {
	g := c.h.Groups.Get(c.cmd.Fields.Str("group"))
	if g == nil {
		return refusal(remoting.RespSubscriptionGroupNotExist, "No group in this broker. group: %s", c.cmd.Fields.Str("group"))
	}
	return c.json(g)
}

// forbidGroup changes whether a group may read a topic, if the request says so, and answers with what holds.
func (c *call) forbidGroup() error {
	f := c.cmd.Fields
	group, topic := f.Str("group"), f.Str("topic")
	forbidden := c.h.Groups.Forbidden(group, topic)
	if _, given := f.Get("readable"); given {
		readable, err := f.Bool("readable", true)
		if err != nil {
			return refusal(remoting.RespInvalidParameter, "%v", err)
		}
		if forbidden |= meta.PermRead; readable {
			forbidden &^= meta.PermRead
		}
		c.h.Groups.SetForbidden(group, topic, forbidden)
		if err := c.h.Groups.Persist(); err != nil {
			return err
		}
		c.h.Logger.Info("handler: group's permission", "group", group, "topic", topic, "readable", readable, "remote", c.c.RemoteAddr())
	}
	return c.json(struct {
		Group    string `json:"group"`
		Topic    string `json:"topic"`
		Readable bool   `json:"readable"`
	}{group, topic, forbidden&meta.PermRead == 0})
}
