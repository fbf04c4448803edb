// Package inspect reads a store directory that no broker has open: it checks it, lists what is in it and counts it, and changes nothing.
package inspect
