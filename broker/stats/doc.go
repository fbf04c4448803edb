// Package stats counts messages by topic and by consumer group, over the last minute, hour and day, in the way that RocketMQ's tools ask for it.
//
// Counting is a look-up and three atomic adds. Everything else happens when Sample is called, every ten seconds: what was added since
// then becomes a span in the past of its counter, and spans grow coarser with age, as they do for the owner of the question:
//
//	   a day ago            an hour ago        ten minutes ago    a minute ago      now
//	───┼────────────────────┼──────────────────┼──────────────────┼─────────────────┼
//	     1 h    1 h    1 h    10 min   10 min    1 min    1 min     10 s  10 s  10 s  not sampled yet
//
// A span in which nothing was counted takes no place, so a topic that has got one message costs one span, and a busy one at most 46.
// A counter of which nothing is left is dropped.
package stats
