package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantry-mq/gantry/broker/admin"
	"github.com/gantry-mq/gantry/broker/meta"
)

// completer asks a cluster for names.
type completer func(ctx context.Context, c *admin.Client) ([]string, error)

// completionWait is how long a shell waits for names at most.
const completionWait = 500 * time.Millisecond

// completion completes a flag. A cluster that doesn't answer in time has no names.
func (a *adminFlags) completion(names completer) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begin string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(context.Background(), completionWait)
		defer cancel()
		c := admin.New(admin.Options{Namesrvs: a.namesrvs(), Timeout: completionWait})
		defer c.Close()
		all, err := names(ctx, c)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return slices.DeleteFunc(all, func(name string) bool { return !strings.HasPrefix(name, begin) }), cobra.ShellCompDirectiveNoFileComp
	}
}

// argCompletion completes arguments as the flags that they stand for.
func (a *adminFlags) argCompletion(v *verb, f *verbFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begin string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) < len(v.args) {
			if names := f.complete[v.args[len(args)]]; names != nil {
				return a.completion(names)(cmd, args, begin)
			}
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// topicNames are those that one would type: no retries, no dead letters.
func topicNames(ctx context.Context, c *admin.Client) ([]string, error) {
	all, err := c.Topics(ctx)
	return slices.DeleteFunc(all, func(name string) bool {
		return strings.HasPrefix(name, meta.RetryPrefix) || strings.HasPrefix(name, meta.DLQPrefix)
	}), err
}

// groupNames are those of groups that have consumed: each has a topic for retries.
func groupNames(ctx context.Context, c *admin.Client) ([]string, error) {
	all, err := c.Topics(ctx)
	var groups []string
	for _, name := range all {
		if group, ok := strings.CutPrefix(name, meta.RetryPrefix); ok {
			groups = append(groups, group)
		}
	}
	return groups, err
}

func clusterNames(ctx context.Context, c *admin.Client) ([]string, error) { return c.Clusters(ctx) }

func brokerNames(ctx context.Context, c *admin.Client) ([]string, error) {
	all, err := c.AllBrokers(ctx)
	names := map[string]bool{}
	for _, b := range all {
		names[b.Name] = true
	}
	return slices.Sorted(maps.Keys(names)), err
}
