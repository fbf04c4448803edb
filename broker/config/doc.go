// Package config is the configuration of a broker and a name server: keys, files, defaults, help.
//
// Keys carry RocketMQ's names and units, so that an existing broker.conf works. Each is one row of the table in
// keys_broker.go and keys_store.go: name, default, whether a running process takes a new value, documentation, and the
// field of Config with the values that it accepts. Everything else (reading, help, listing, reload) walks the rows.
//
// Keys that RocketMQ has and Gantry doesn't need are in idle.go with the reason.
package config
