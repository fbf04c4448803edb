// Package broker joins the parts of a broker: store, tables, services and the Remoting port.
package broker
