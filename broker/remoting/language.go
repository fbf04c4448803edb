package remoting

import "strconv"

// Flag bits of a command.
const (
	FlagResponse int32 = 1 << 0 // an answer, not a request
	FlagOneway   int32 = 1 << 1 // a request that wants no answer
)

// Versions of RocketMQ as commands carry them: ordinals of its list of releases.
const (
	Version349 int32 = 121 // 3.4.9; clients from it on say how often a message may be consumed again
	Version49  int32 = 399 // 4.9.3
	Version50  int32 = 413 // 5.0.0
	Version53  int32 = 475 // 5.3.1; clients above it understand RespGoAway
	Version55  int32 = 513 // 5.5.0; what this package says of itself
)

// Language is the one that a peer is written in. JSON headers carry its name, binary ones its number.
type Language uint8

// Languages as RocketMQ numbers them.
const (
	LanguageJava Language = iota
	LanguageCPP
	LanguageDotNet
	LanguagePython
	LanguageDelphi
	LanguageErlang
	LanguageRuby
	LanguageOther
	LanguageHTTP
	LanguageGo
	LanguagePHP
	LanguageOMS
	LanguageRust
	LanguageNodeJS
)

// String is the word that JSON headers carry, or the number where there is no word for it.
func (l Language) String() string {
	switch l {
	case LanguageJava:
		return "JAVA"
	case LanguageCPP:
		return "CPP"
	case LanguageDotNet:
		return "DOTNET"
	case LanguagePython:
		return "PYTHON"
	case LanguageDelphi:
		return "DELPHI"
	case LanguageErlang:
		return "ERLANG"
	case LanguageRuby:
		return "RUBY"
	case LanguageOther:
		return "OTHER"
	case LanguageHTTP:
		return "HTTP"
	case LanguageGo:
		return "GO"
	case LanguagePHP:
		return "PHP"
	case LanguageOMS:
		return "OMS"
	case LanguageRust:
		return "RUST"
	case LanguageNodeJS:
		return "NODE_JS"
	}
	return strconv.Itoa(int(l))
}

// languageOf turns the word of a JSON header into a language. A word that nobody knows is OTHER: it must not cost a client its connection.
func languageOf(word []byte) Language {
	switch string(word) {
	case "JAVA":
		return LanguageJava
	case "GO":
		return LanguageGo
	case "CPP":
		return LanguageCPP
	case "PYTHON":
		return LanguagePython
	case "RUST":
		return LanguageRust
	case "NODE_JS":
		return LanguageNodeJS
	case "DOTNET":
		return LanguageDotNet
	case "PHP":
		return LanguagePHP
	case "HTTP":
		return LanguageHTTP
	case "OMS":
		return LanguageOMS
	case "DELPHI":
		return LanguageDelphi
	case "ERLANG":
		return LanguageErlang
	case "RUBY":
		return LanguageRuby
	}
	return LanguageOther
}
