package remoting

// Command is one decoded frame. All its slices alias the connection's buffers: they are valid until Handler.Serve returns, and
// whoever needs them longer copies them.
type Command struct {
	Code     int32
	Opaque   int32 // the sender's number for this request; the answer repeats it
	Flag     int32 // Flag… bits
	Version  int32
	Language Language
	Binary   bool // the header came in the binary form; the answer goes out in it too
	Remark   []byte
	Fields   Fields // in the order of the wire
	Body     []byte
}

// Oneway says that the sender wants no answer.
func (c *Command) Oneway() bool { return c.Flag&FlagOneway != 0 }

// Response says that the command is an answer.
func (c *Command) Response() bool { return c.Flag&FlagResponse != 0 }

// Ticket is what it takes to answer the command later, from any goroutine.
func (c *Command) Ticket() Ticket {
	return Ticket{opaque: c.Opaque, version: c.Version, language: c.Language, binary: c.Binary, oneway: c.Oneway()}
}

// Ticket stands for a request that waits for its answer. It is a small value without pointers into any buffer, may be kept, and is
// used once: each request that isn't one way must get exactly one answer, because connections count those that are owed.
type Ticket struct {
	opaque   int32
	version  int32
	language Language
	binary   bool
	oneway   bool
}

// Oneway says that an answer would go nowhere.
func (t Ticket) Oneway() bool { return t.oneway }

// Version is the sender's: some answers depend on it.
func (t Ticket) Version() int32 { return t.version }

// Language is the sender's.
func (t Ticket) Language() Language { return t.language }
