// Package handler turns Remoting requests into calls of the broker's capabilities and their outcomes into answers: one file per family of request codes.
package handler
