// Package consume gives messages out: pulls with their filters, requests that are held until a message comes, and the clients that consume.
package consume
