// Package telemetry tells the outside how a process does: health, readiness, and metrics in the Prometheus text format.
package telemetry
