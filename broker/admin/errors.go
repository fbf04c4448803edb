package admin

import (
	"errors"
	"fmt"

	"github.com/gantry-mq/gantry/broker/remoting"
)

var (
	// ErrNotFound is wrapped by errors about a topic, group, broker, message or client that isn't there.
	ErrNotFound = errors.New("not found")
	// ErrUnreachable is wrapped by errors about a server that doesn't answer.
	ErrUnreachable = errors.New("unreachable")
	// ErrInput is wrapped by errors about a request that makes no sense, whatever the cluster is like.
	ErrInput = errors.New("bad request")
)

// refusal is the error of an answer's code, which wraps ErrNotFound where the code says so.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	if refusedWith(err, remoting.RespTopicNotExist, remoting.RespSubscriptionGroupNotExist, remoting.RespQueryNotFound,
		remoting.RespConsumerNotOnline, remoting.RespNoMessage, remoting.RespSubscriptionNotExist, remoting.RespBrokerNotExist) {
		return fmt.Errorf("admin: %w: %w", ErrNotFound, err)
	}
	return fmt.Errorf("admin: %w", err)
}

// refusedWith tells whether err is an answer with one of the codes.
func refusedWith(err error, codes ...int32) bool {
	var refused *remoting.CodeError
	if !errors.As(err, &refused) {
		return false
	}
	for _, code := range codes {
		if refused.Code == code {
			return true
		}
	}
	return false
}

func notFound(format string, args ...any) error {
	return fmt.Errorf("admin: %w: %w", ErrNotFound, fmt.Errorf(format, args...))
}

func badInput(format string, args ...any) error {
	return fmt.Errorf("admin: %w: %w", ErrInput, fmt.Errorf(format, args...))
}
