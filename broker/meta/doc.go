// Package meta holds what a broker knows beside its messages: topics, consumer groups, committed consumer offsets and how far
// delayed messages are delivered, each a table in memory with its file.
//
// # Files
//
// They lie in the config directory of a store and have the shapes of RocketMQ 5.5, so that a store moves between
// the two without conversion:
//
//	topics.json              {"dataVersion":V,"topicConfigTable":{topic:{…}}}
//	subscriptionGroup.json   {"dataVersion":V,"subscriptionGroupTable":{group:{…}},"forbiddenTable":{group:{topic:bits}}}
//	consumerOffset.json      {"dataVersion":V,"offsetTable":{"topic@group":{queue:offset}}}
//	lmqConsumerOffset.json   the same and "lmqOffsetTable":{"topic@%LMQ%group":offset}; takes the place of
//	                         consumerOffset.json when lightweight queues are on
//	delayOffset.json         {"dataVersion":V,"offsetTable":{level:offset},"logOffset":n}; the last is ours alone
//	topicBirths.json         {"births":{topic:logOffset}}: ours alone, see below
//
//	V = {"counter":changes,"stateVersion":n,"timestamp":unixMillis}
//
// Reading accepts the dialect that RocketMQ writes (integer keys without quotes) and ignores unknown fields; writing
// is standard JSON. A file is replaced whole, durably, the previous one staying as name.bak; a file that is missing,
// empty or damaged is read from there.
//
// What Gantry writes starts with a checksum that RocketMQ skips as an unknown field:
//
//	{
//		"crc32c":"cf9d3240",      CRC-32C, 8 hex digits, of every byte from here, after the comma, to the end
//		"dataVersion": {
//			"stateVersion": 0,
//			"timestamp": 1700000000000,
//			"counter": 1
//		},
//		"offsetTable": {
//			"topic@group": {
//				"1": 5
//			}
//		}
//	}
//
// A file without it (RocketMQ wrote it, or somebody removed the line after editing) is taken as it is.
//
// # Births
//
// A topic can be deleted and created again while records of its earlier life are still in the log. The birth of a
// topic is the log offset below which records that carry its name are not its own. It is written before the topic
// itself, so a crash between the two leaves a birth without a topic, which is harmless.
//
// # Durability
//
// The log can't restore these tables: they are truth of their own. A change is in memory at once; it is durable when
// the table's Persist has returned nil. Topics and groups are persisted before their creation is answered; offsets, and groups
// that were made with the defaults because somebody used them, every few seconds and at the stop: after a crash a consumer sees the
// messages of those seconds again, and makes its group again.
package meta
