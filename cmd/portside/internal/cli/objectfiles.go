package cli

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/portside-dev/portside/cmd/portside/internal/manifest"
)

// readFiles reads the objects of files. It sends no request.
func (o *ObjectFlags) readFiles(s *Session) (*Objects, error) {
	builder := resource.NewLocalBuilder().Unstructured().Local().Flatten()
	for _, file := range o.files {
		if file == manifest.Stdin {
			builder = builder.Stream(s.In, "stdin")
		} else {
			builder = builder.Path(o.recursive, file)
		}
	}
	infos, err := builder.Do().Infos()
	if err != nil {
		return nil, err
	}
	objects := &Objects{Single: len(infos) == 1, Named: true, AllNamespaces: true, FromFiles: true}
	if err := objects.add(infos); err != nil {
		return nil, err
	}
	objects.AllNamespaces = len(namespacesOf(objects.Items)) > 1
	return objects, objects.checkManagedFields(s, strings.Join(o.files, ", "))
}

func namespacesOf(objects []*unstructured.Unstructured) []string {
	var namespaces []string
	for _, o := range objects {
		if !slices.Contains(namespaces, o.GetNamespace()) {
			namespaces = append(namespaces, o.GetNamespace())
		}
	}
	return namespaces
}

// checkManagedFields returns an error where no object of the input has managedFields, as
// kubectl writes them by default, and a warning for each that has none where others have.
func (o *Objects) checkManagedFields(s *Session, input string) error {
	const advice = "kubectl leaves them out unless it is told to show them: kubectl get KIND NAME -o yaml --show-managed-fields"
	if len(o.Items) == 0 {
		return fmt.Errorf("no object in %s", strings.Replace(input, manifest.Stdin, "stdin", 1))
	}
	var without []*unstructured.Unstructured
	for _, object := range o.Items {
		if len(object.GetManagedFields()) == 0 {
			without = append(without, object)
		}
	}
	if len(without) == len(o.Items) {
		return fmt.Errorf("the input has no metadata.managedFields, so it does not say what owns its fields; %s", advice)
	}
	for _, object := range without {
		s.Messages.Warn("%s %s has no metadata.managedFields; %s", object.GetKind(), object.GetName(), advice)
	}
	return nil
}
