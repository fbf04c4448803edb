// Package admin operates a cluster from outside: it asks name servers and brokers, Gantry's and Java's alike, over the Remoting protocol.
//
// A Client finds its way as every client does: name servers know which brokers have a topic, and each broker is asked for what it has. Functions
// that ask several brokers do so at once and join the answers. When some of them fail, the others' answers are returned together with an
// error that says which, so that an operator sees what there is.
//
// The JSON names of the types here are those that `gantry admin --output json` prints: they are stable.
package admin
