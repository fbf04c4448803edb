// Package produce takes messages in: it checks what a sender asks for, makes records of it, stores them in batches and tells when they may be acknowledged.
package produce
