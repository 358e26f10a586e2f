package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/backends"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// ownersOptions are the flags of owners.
type ownersOptions struct {
	session   *cli.Session
	objects   cli.ObjectFlags
	print     cli.PrintFlags
	container string
	list      string
}

// run reads the objects, chooses how to show them, and prints.
func (o *ownersOptions) run(cmd *cobra.Command, args []string) error {
	path, err := o.check(cmd)
	if err != nil {
		return err
	}
	read, err := o.objects.Read(cmd.Context(), o.session, args)
	if err != nil {
		return err
	}
	if o.print.Format == printer.HTML {
		if err := o.page(cmd.Context(), read); err != nil {
			return err
		}
		return cli.Exit(read.Code)
	}
	workloads, havePorts, err := read.Workloads()
	if err != nil {
		return err
	}
	asPorts := havePorts && o.list == "" && o.print.Format != printer.Annotated
	if o.container != "" && !asPorts {
		return cli.UsageError(cmd, "--container is of the table of ports: name a workload")
	}
	var documents []printer.OfObject
	switch {
	case o.list != "":
		documents, err = o.lists(read, path)
	case asPorts:
		documents, err = o.ports(cmd, read, workloads)
	default:
		if !cmd.Flags().Changed("output") {
			o.print.Format = printer.Annotated
		}
		documents, err = o.fields(read)
	}
	if err != nil {
		return err
	}
	if err := o.show(read, documents); err != nil {
		return err
	}
	return cli.Exit(read.Code)
}

// check returns the path of --list. Its error is flags that do not fit together.
func (o *ownersOptions) check(cmd *cobra.Command) (path ownership.ListPath, err error) {
	switch {
	case o.print.Format == printer.HTML && (o.list != "" || o.container != ""):
		return path, cli.UsageError(cmd, "-o html shows whole objects: leave out --list and --container")
	case !cmd.Flags().Changed("list"):
		return path, nil
	case o.print.Format == printer.Annotated:
		return path, cli.UsageError(cmd, "-o annotated shows whole objects: leave out --list")
	case o.container != "":
		return path, cli.UsageError(cmd, "--container is of the table of ports: name the container in --list, such as spec.template.spec.containers[%s].env", o.container)
	}
	if path, err = ownership.ParseListPath(o.list); err != nil {
		return path, cli.UsageError(cmd, "--list: %w", err)
	}
	return path, nil
}

// show prints the documents of the objects.
func (o *ownersOptions) show(read *cli.Objects, documents []printer.OfObject) error {
	s := o.session
	switch {
	case len(documents) == 0 && o.print.IsTable(), len(documents) == 0 && o.print.Format == printer.Annotated:
		if read.Code == cli.OK && len(read.Items) == 0 {
			s.Messages.Note("no objects found")
		}
		return nil
	case read.Single && len(documents) == 1:
		return o.print.Print(s.Out, documents[0])
	}
	if documents == nil {
		documents = []printer.OfObject{}
	}
	return printer.Objects{Items: documents, Namespaces: read.AllNamespaces}.Print(s.Out, o.print.Options)
}

// ports returns the tables of ports of workloads and Services.
func (o *ownersOptions) ports(cmd *cobra.Command, read *cli.Objects, workloads []*workload.Workload) ([]printer.OfObject, error) {
	var documents []printer.OfObject
	for _, w := range workloads {
		if w.Kind == workload.Service && o.container != "" {
			return nil, cli.UsageError(cmd, "a Service has no containers: leave out --container")
		}
		if o.container != "" {
			if _, err := w.Container(o.container); err != nil {
				return nil, err
			}
		}
		owners, err := printer.OwnersOf(w, o.container)
		if err != nil {
			return nil, err
		}
		if len(owners.Ports) == 0 && o.print.IsTable() {
			o.session.Messages.Note("%s declares no port", w.Target)
			continue
		}
		if read.Named && !read.FromFiles && o.print.Format != printer.Name {
			o.addBackends(cmd.Context(), w, owners)
		}
		documents = append(documents, owners)
	}
	return documents, nil
}

// addBackends adds to the document of a Service where its ports lead.
func (o *ownersOptions) addBackends(ctx context.Context, w *workload.Workload, owners *printer.Owners) {
	service, is := w.Object().(*corev1.Service)
	if is && service.Spec.Type != corev1.ServiceTypeExternalName {
		owners.SetBackends(backends.Of(service, o.session.ReadBackends(ctx, service)))
	}
}

// fields returns the documents of objects of any kind.
func (o *ownersOptions) fields(read *cli.Objects) ([]printer.OfObject, error) {
	var documents []printer.OfObject
	for _, object := range read.Items {
		tree, err := o.tree(object, read)
		if err != nil {
			return nil, err
		}
		documents = append(documents, printer.FieldsOf(tree))
	}
	return documents, nil
}

// tree returns the owners of an object's fields, with a note where there are none.
func (o *ownersOptions) tree(object *unstructured.Unstructured, read *cli.Objects) (*ownership.Tree, error) {
	tree, err := ownership.Of(object)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", nameOf(object), err)
	}
	if len(tree.Managers) == 0 && !read.FromFiles {
		o.session.Messages.Note("%s has no managedFields: no manager owns anything of it", nameOf(object))
	}
	return tree, nil
}

// lists returns the documents of one list of each object. Of several objects, those that
// do not have the list are left out, unless none has it.
func (o *ownersOptions) lists(read *cli.Objects, path ownership.ListPath) ([]printer.OfObject, error) {
	var documents []printer.OfObject
	var problems []error
	absent := true
	for _, object := range read.Items {
		tree, err := o.tree(object, read)
		if err != nil {
			return nil, err
		}
		list, err := tree.Find(path)
		if err != nil {
			var none *ownership.NoListError
			absent = absent && errors.As(err, &none) && none.Absent
			problems = append(problems, cli.Failed(cli.Refused, nameOf(object), fmt.Errorf("--list %s: %w", path, err)))
			continue
		}
		if list.Kind != ownership.KeyedList {
			o.session.Messages.Note("%s: no manager owns an item of %s, so that its key fields are not known", nameOf(object), path)
		}
		documents = append(documents, printer.ListOwnersOf(tree, list))
	}
	switch {
	case len(problems) > 0 && len(documents) == 0:
		return nil, problems[0]
	case !absent:
		for _, problem := range problems {
			o.session.Messages.Error("%s", cli.ErrorText(problem))
			read.Code = cli.Worse(read.Code, cli.Refused)
		}
	}
	return documents, nil
}

// nameOf returns KIND namespace/name, or KIND name for an object without a namespace.
func nameOf(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}
