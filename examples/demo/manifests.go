package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/portside-dev/portside/testenv"
)

// What the manifests of examples/dittofs are about.
const (
	namespace = "storage"
	workload  = "dittofs"
	container = "dittofs"
	service   = "dittofs-file"
)

// inGit are the files that Argo CD syncs, in the order in which it does.
var inGit = []string{"namespace.yaml", "service.yaml", "statefulset.yaml"}

// manifests are the objects in Git.
type manifests struct{ objects []*unstructured.Unstructured }

func readManifests(dir string) (*manifests, error) {
	m := &manifests{}
	for _, name := range inGit {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if err := m.add(text); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return m, nil
}

func (m *manifests) add(text []byte) error {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		object, err := testenv.Object(document)
		if err != nil {
			return err
		}
		m.objects = append(m.objects, object)
	}
}

// dropPort is a commit that takes a static port out of the StatefulSet.
func (m *manifests) dropPort(name string) {
	for _, object := range m.objects {
		if object.GetKind() != "StatefulSet" {
			continue
		}
		testenv.EditContainer(object, container, func(c map[string]any) {
			var left []any
			ports, _ := c["ports"].([]any)
			for _, port := range ports {
				if p, isMap := port.(map[string]any); !isMap || p["name"] != name {
					left = append(left, port)
				}
			}
			c["ports"] = left
		})
	}
}

// sync applies all objects as Argo CD does with ServerSideApply=true: under its
// own field manager, and by force.
func (m *manifests) sync(ctx context.Context, argo *testenv.Manager) error {
	for _, object := range m.objects {
		if _, err := argo.ForceApply(ctx, object); err != nil {
			return fmt.Errorf("argo CD's sync of %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}
