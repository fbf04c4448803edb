// Package namesrv is a name server: brokers register with it, clients ask it which brokers have a topic. Its other
// half is the broker's side of that: Registrar for name servers elsewhere, Local for one in the same process.
//
// # What it knows
//
// Everything is in memory and comes from registrations, so that name servers needn't know of each other and one that
// restarts is complete again after a registration period. Only the key-value table lasts; its owner gives a place.
//
//	topic ──► broker name ──► queues, permission      from the registration of the master (or the first replica)
//	          broker name ──► cluster, id ──► address
//	                                  address ──► last sign of life, connection
//
// A broker's address is forgotten when it unregisters, when its connection ends, and when it gives no sign of life for
// the time it announced (2 minutes by default). With its last address goes its name, and with that its queues.
//
// # Routes
//
// The answer to a route request is encoded once and kept with the topic until its queues change; a change of a broker's
// addresses, which is rare, starts a new generation that outdates every kept answer. Registering one of many topics
// therefore costs one encoding, when it is next asked for.
//
// # What registers what
//
// A registration of several topics is taken for the whole table of its broker, one of a single topic for a change. The
// version of the table tells whether there is anything new in it; permissions that tools have wiped stay wiped until
// there is. A registrar therefore gives the version of the table to the last of the changes that it sends together.
//
// # Registration bodies
//
// JSON,
//
//	{"topicConfigSerializeWrapper":{"dataVersion":V,"topicConfigTable":{topic:{…}},"topicQueueMappingInfoMap":{topic:{…}}},
//	 "filterServerList":[]}
//
// of which brokers before 3.0.11 send the inner object alone; or one zlib stream of blocks, each an int32 length (big
// endian) and so many bytes of text:
//
//	block   V
//	int32   number of topics, then for each
//	block   name readQueues writeQueues permission filterType attributes     (separated by a space, attributes in JSON)
//	block   filter servers, a JSON list
//	int32   number of mappings, then for each                                (from 5.0.0 on)
//	block   mapping in JSON
//
// The first byte says which: { or 78. The header's field that should say so is wrong in RocketMQ 5.5.
package namesrv
