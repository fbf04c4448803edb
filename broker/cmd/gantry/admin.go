package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantry-mq/gantry/broker/admin"
)

// verb is a command of `gantry admin`. It has two names: that of mqadmin, and one that begins with what it is about.
type verb struct {
	mqadmin  string // updateTopic
	friendly string // topic create
	short    string
	long     string   // what else there is to know
	examples []string // behind `gantry admin`
	args     []string // long names of the flags that can be given as arguments instead, in this order
	define   func(f *verbFlags) action
}

// action is what a verb does once its flags are set. What there is of a result is shown in spite of an error.
type action func(ctx context.Context, c *admin.Client) (result, error)

// verbs are all that `gantry admin` can do. Both names of each come from here, and docs/admin.md is compared with it.
func verbs() []verb {
	var all []verb
	for _, family := range [][]verb{topicVerbs(), groupVerbs(), clusterVerbs(), brokerVerbs(), consumerVerbs(), messageVerbs()} {
		all = append(all, family...)
	}
	return all
}

// nouns say what the friendly names begin with.
var nouns = map[string]string{
	"topic":         "Topics: create, change, delete, look at",
	"group":         "Consumer groups: create, change, delete",
	"cluster":       "Clusters and their brokers",
	"broker":        "One broker or many: what they do and how they are configured",
	"broker config": "Configuration of running brokers",
	"consumer":      "Consumers: how far they are, who they are, move them",
	"producer":      "Producers that are connected",
	"message":       "Messages: find, send, read",
}

// adminFlags are the flags of all verbs.
type adminFlags struct {
	namesrv string
	output  string
	timeout time.Duration
}

const (
	groupFriendly = "friendly"
	groupMqadmin  = "mqadmin"
)

func newAdmin() *cobra.Command {
	a := &adminFlags{}
	cmd := parent("admin", "Operate a cluster, Gantry's or Java's: mqadmin's verbs, and friendlier ones")
	cmd.Long = `Operate a cluster of Gantry or Java brokers. Each verb has two names with the same flags: its own in mqadmin, and one that begins with what it is about.

The name server is given with -n, or else by NAMESRV_ADDR in the environment; without both it is ` + defaultNamesrv + `.

Exit code: 0 done, 1 failed, 2 the command line makes no sense, 3 what it is about isn't there.`
	cmd.Example = `  gantry admin topic create orders
  gantry admin updateTopic -n mq.example.org:9876 -c DefaultCluster -t orders -r 16 -w 16
  gantry admin consumer progress billing --output json`
	fs := cmd.PersistentFlags()
	fs.StringVarP(&a.namesrv, "namesrvAddr", "n", "", "name servers: host:port, several separated by ; (default: NAMESRV_ADDR, or "+defaultNamesrv+")")
	fs.StringVar(&a.output, "output", "table", "table or json")
	fs.DurationVar(&a.timeout, "timeout", admin.DefaultTimeout, "longest wait for each answer")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	cmd.AddGroup(&cobra.Group{ID: groupFriendly, Title: "By subject:"}, &cobra.Group{ID: groupMqadmin, Title: "By mqadmin's names:"})
	for _, v := range verbs() {
		own := v.command(a, v.mqadmin)
		own.GroupID = groupMqadmin
		cmd.AddCommand(own)
		words := strings.Fields(v.friendly)
		last := len(words) - 1
		parentOf(cmd, words[:last]).AddCommand(v.command(a, words[last]))
	}
	must(cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// parent is a command that only has others below it.
func parent(name, short string) *cobra.Command {
	return &cobra.Command{
		Use:                        name,
		Short:                      short,
		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			text := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0])
			if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
				text += ": did you mean " + strings.Join(like, " or ") + "?"
			}
			return usage(errors.New(text))
		},
	}
}

// parentOf finds the command with a path of nouns below cmd, and makes what is missing of it.
func parentOf(cmd *cobra.Command, path []string) *cobra.Command {
	for i, word := range path {
		var next *cobra.Command
		for _, sub := range cmd.Commands() {
			if sub.Name() == word {
				next = sub
			}
		}
		if next == nil {
			next = parent(word, nouns[strings.Join(path[:i+1], " ")])
			if i == 0 {
				next.GroupID = groupFriendly
			}
			cmd.AddCommand(next)
		}
		cmd = next
	}
	return cmd
}

// command makes a cobra command of a verb, under one of its names.
func (v *verb) command(a *adminFlags, name string) *cobra.Command {
	other := "gantry admin " + v.mqadmin
	if name == v.mqadmin {
		other = "gantry admin " + v.friendly
	}
	cmd := &cobra.Command{Use: name, Short: v.short, Long: strings.TrimSpace(v.short + ".\n\n" + v.long + "\n\nThe same as: " + other)}
	for _, flag := range v.args {
		cmd.Use += " [" + flag + "]"
	}
	for _, e := range v.examples {
		cmd.Example += "  gantry admin " + e + "\n"
	}
	cmd.Example = strings.TrimRight(cmd.Example, "\n")
	f := &verbFlags{FlagSet: cmd.Flags(), complete: map[string]completer{}}
	do := v.define(f)
	for flag, names := range f.complete {
		must(cmd.RegisterFlagCompletionFunc(flag, a.completion(names)))
	}
	cmd.ValidArgsFunction = a.argCompletion(v, f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.take(v.args, args); err != nil {
			return usage(err)
		}
		return a.run(cmd, do)
	}
	return cmd
}

func (a *adminFlags) run(cmd *cobra.Command, do action) error {
	show, err := printer(a.output)
	if err != nil {
		return usage(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := admin.New(admin.Options{Namesrvs: a.namesrvs(), Timeout: a.timeout})
	defer c.Close() // answers are there, so that how connections end is of no interest
	for {
		r, err := do(ctx, c)
		if r.value != nil {
			err = errors.Join(err, show(cmd.OutOrStdout(), r))
		}
		if err != nil || r.again <= 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(r.again):
		}
	}
}

// defaultNamesrv is where `gantry up` has it.
const defaultNamesrv = "127.0.0.1:9876"

// namesrvs are the addresses of the name servers.
func (a *adminFlags) namesrvs() []string {
	text := a.namesrv
	if text == "" {
		text = os.Getenv("NAMESRV_ADDR")
	}
	if strings.Trim(text, "; ") == "" {
		text = defaultNamesrv
	}
	var addrs []string
	for addr := range strings.SplitSeq(text, ";") {
		if addr = strings.TrimPrefix(strings.TrimSpace(addr), "http://"); addr != "" {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// must is for errors that only a wrong declaration can cause; each start of `gantry admin` comes by here.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
