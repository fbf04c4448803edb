// Package fastjson turns the dialect of JSON that RocketMQ's bodies are written in into the standard one, and back.
//
// Three things in that dialect are refused by every JSON library of Go:
//
//	{0:"127.0.0.1:10911"}                                   a map with integer keys, which aren't quoted
//	{{"brokerName":"b","queueId":1,"topic":"t"}:{…}}        a map whose keys are objects
//	{'a':'b',}                                              quotes of the other kind, trailing commas, comments, NaN
//
// Reading: [Standard] rewrites such a text, so that a bare integer key becomes a string and an object key becomes a string that
// holds the object's JSON; [Unmarshal] does that and decodes. Integer keys then fit map[int64]T, and object keys map[Key[T]]U:
//
//	{7:"x"}          →  {"7":"x"}
//	{{"q":1}:"x"}    →  {"{\"q\":1}":"x"}
//
// Writing: [Marshal] writes map[Key[T]]U with objects as keys, which is the only form that Java's tools read, and map[IntKey]T with
// keys that are quoted or bare as the caller says. Everything else is as encoding/json writes it.
package fastjson
