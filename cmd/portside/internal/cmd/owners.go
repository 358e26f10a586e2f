package cmd

import (
	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

func newOwners(s *cli.Session) *cobra.Command {
	o := ownersOptions{session: s}
	cmd := &cobra.Command{
		Use:   "owners KIND/NAME… | KIND [NAME…] | -f FILE",
		Short: "Show the managers that own the ports or the fields of any object",
		Long: `Show which field managers own what in objects of any kind, from managedFields:
of objects in the cluster, or of a file.

For workloads and Services the default is a table of their ports. A port stays
as long as one owner declares it. -o wide has a line for each manager: how it
writes, which fields of the port it owns (a manager may own a field, such as
hostPort or targetPort, and not the port), and when it last changed anything
that it owns in this object. -o name prints the names of the owners. For a
Service that is named, a second table has the container port that each port
leads to and the ready pods that have it.

For all other kinds, and with -o annotated, the object is printed as YAML, with
the managers that own a line to the left of it. An item of a list that has keys
begins with a line of its own: its owners keep the item in the list, and a
manager that owns only fields of it does not. <none> is a field that no manager
owns. No owner is printed where the API server tracks none (such as
metadata.uid), and for a field whose parts have their own. "# atomic" is a list
or map that is owned as a whole. On a terminal, each manager has a colour.

-o html writes one page for a ticket or a post-mortem, without scripts: the
ports, the fields, and the history of the pod template as history shows it. A
value of a Secret is never in it, and a long value is truncated. An object of a
file has no history.

--list PATH shows a list that has keys as a table of its items, such as env
vars or status conditions. An item of a list on the way is in brackets, by its
key.

Exit codes: 0 when the owners are shown; 2 when an object, the container or the
list is missing, or the server refused; 1 when the input or the connection is
unusable.`,
		Example: `  portside owners statefulset/dittofs
  portside owners sts dittofs -c dittofs -o wide
  portside owners service/dittofs-file
  portside owners deployment/web -o annotated
  portside owners certificate.cert-manager.io/web
  portside owners sts/dittofs svc/dittofs-file -o html >owners.html
  portside owners configmaps -A -l app=web
  portside owners pod/web-0 --list 'spec.containers[web].env'
  portside owners pods --list status.conditions -o wide
  kubectl get cm/web -oyaml --show-managed-fields | portside owners -f -`,
		Args:              o.objects.Check,
		ValidArgsFunction: s.CompleteObjects,
		RunE:              o.run,
	}
	o.objects.Add(cmd)
	o.print.AddFormats(cmd, append(printer.Formats, string(printer.Annotated), string(printer.HTML))...)
	s.ContainerFlag(cmd, &o.container, "Show the ports of this container alone")
	cmd.Flags().StringVar(&o.list, "list", "", "Show the items of this list, such as status.conditions")
	cli.MustComplete(cmd, "list", s.CompleteLists(&o.objects))
	return cmd
}
