package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/request"
)

// adapterSets are the AdapterSets that the arguments of a command name.
type adapterSets struct {
	*request.Client
	namespace string
	names     []string
}

// adapterSetsOf reads the arguments adapterset/NAME … or adapterset NAME …, as kubectl
// does, or the kind alone with all. Their error is one of usage.
func adapterSetsOf(cmd *cobra.Command, s *cli.Session, args []string, all bool) (*adapterSets, error) {
	names, err := adapterSetNames(args, all)
	if err != nil {
		return nil, cli.UsageError(cmd, "%w", err)
	}
	config, err := s.RESTConfig()
	if err != nil {
		return nil, err
	}
	namespace, _, err := s.Namespace()
	if err != nil {
		return nil, err
	}
	client, err := request.NewClient(config, namespace)
	if err != nil {
		return nil, s.ConnectionError(err)
	}
	if all {
		if names, err = client.Names(cmd.Context()); err != nil {
			return nil, cli.Failed(cli.CodeOf(err), "cannot list the AdapterSets of namespace "+namespace, err)
		}
		if len(names) == 0 {
			s.Messages.Note("no AdapterSet in namespace %s", namespace)
		}
	}
	return &adapterSets{client, namespace, names}, nil
}

func adapterSetNames(args []string, all bool) ([]string, error) {
	const want = "give adapterset/NAME or adapterset NAME"
	var names []string
	for i, arg := range args {
		kind, name, slash := strings.Cut(arg, "/")
		switch {
		case !slash && i > 0 && !strings.Contains(args[0], "/"):
			names = append(names, arg)
		case !request.IsKind(kind):
			return nil, fmt.Errorf("cannot read %q: %s", arg, want)
		case slash && (name == "" || strings.Contains(name, "/") || i > 0 && !strings.Contains(args[0], "/")):
			return nil, fmt.Errorf("cannot read %q: %s", strings.Join(args, " "), want)
		case slash:
			names = append(names, name)
		}
	}
	switch {
	case all && len(names) > 0:
		return nil, fmt.Errorf("--all takes no name: leave out %s", strings.Join(names, ", "))
	case !all && len(names) == 0:
		return nil, fmt.Errorf("required resource not specified: %s, or --all", want)
	}
	return names, nil
}

// each calls for each AdapterSet in order, prints the errors, and returns the exit code,
// which is the worst one.
func (a *adapterSets) each(ctx context.Context, s *cli.Session, do func(name string) error) (code int, err error) {
	for _, name := range a.names {
		err := do(name)
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return code, err
		case apierrors.IsNotFound(err):
			s.Messages.Error("AdapterSet %s/%s not found; check the name, the namespace (-n) and the cluster (--context)", a.namespace, name)
			code = cli.Worse(code, cli.Refused)
		default:
			s.Messages.Error("AdapterSet %s/%s: %s", a.namespace, name, cli.ErrorText(err))
			code = cli.Worse(code, codeOf(err))
		}
	}
	return code, nil
}
