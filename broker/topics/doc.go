// Package topics creates and deletes topics: in the table, in the store, and for those who route to them.
package topics
