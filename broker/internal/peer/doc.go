// Package peer runs RocketMQ's Java processes beside Gantry, for tests.
package peer
