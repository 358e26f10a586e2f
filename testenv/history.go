package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// Stored is a generation of a workload as the server stored it.
type Stored struct {
	UID        types.UID
	Generation int64
	// Ports of each container by its name, as [Ports] returns them.
	Ports map[string][]string
	// NewTemplate reports whether the pod template differs from that of the
	// generation before, of the same object. It is false for the first generation.
	NewTemplate bool

	template string // as JSON
}

// StaticPorts returns the ports of a container that are not adapter ports, in their
// order.
func (s Stored) StaticPorts(container string) []string {
	return slices.DeleteFunc(slices.Clone(s.Ports[container]), func(port string) bool {
		return strings.HasPrefix(port, "adapter-")
	})
}

// TemplateChanges counts the changes of the pod template in a history.
func TemplateChanges(history []Stored) (changes int) {
	for _, stored := range history {
		if stored.NewTemplate {
			changes++
		}
	}
	return changes
}

// History is every generation of a workload that the server has stored since the
// recording began. The server numbers generations, so a generation that the watch
// missed, as it may when the server restarts, leaves a gap.
type History struct {
	get   func(context.Context) (*unstructured.Unstructured, error)
	close func() // ends the recording and waits for the end

	mu       sync.Mutex
	begun    bool // the objects that existed at the beginning were seen
	stored   []Stored
	gaps     []error
	revision string // last resourceVersion seen, empty without an object
}

// Record is [ControlPlane.NewHistory] until the end of a test, which fails if there
// is an error.
func (cp *ControlPlane) Record(t testing.TB, kind, namespace, name string) *History {
	t.Helper()
	h, err := cp.NewHistory(t.Context(), kind, namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// NewHistory records a workload, which need not exist yet, until Close. The
// recording continues after the API server was stopped. ctx bounds only the
// beginning.
func (cp *ControlPlane) NewHistory(ctx context.Context, kind, namespace, name string) (*History, error) {
	manager := cp.Manager("testenv")
	resource, known := resources[kind]
	if !known {
		return nil, fmt.Errorf("cannot record a %s: testenv does not know the kind; add it to resources", kind)
	}
	h := &History{get: func(ctx context.Context) (*unstructured.Unstructured, error) {
		return manager.Get(ctx, kind, namespace, name)
	}}
	informer := dynamicinformer.NewFilteredDynamicInformer(manager.client, resource.GroupVersionResource, namespace, 0, nil,
		func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
		}).Informer()
	seen, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    h.see,
		UpdateFunc: func(_, now any) { h.see(now) },
		DeleteFunc: h.end,
	})
	if err != nil {
		return nil, err
	}
	// An unreachable server is no error: Stored waits for it.
	if err := informer.SetWatchErrorHandlerWithContext(func(context.Context, *cache.Reflector, error) {}); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() { informer.RunWithContext(running) })
	h.close = func() {
		cancel()
		done.Wait()
	}
	if !cache.WaitForCacheSync(ctx.Done(), seen.HasSynced) {
		h.Close()
		return nil, fmt.Errorf("cannot record %s/%s: %w", kind, name, ctx.Err())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun = true
	return h, nil
}

// Close ends the recording.
func (h *History) Close() { h.close() }

// Stored is [History.All] in a test, which fails if there is an error.
func (h *History) Stored(t testing.TB) []Stored {
	t.Helper()
	stored, err := h.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// All waits until the history has everything that the server has stored, and
// returns it. It is an error if a generation was missed.
func (h *History) All(ctx context.Context) ([]Stored, error) {
	if err := eventually(ctx, "the history to have the live object", h.caughtUp); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := errors.Join(h.gaps...); err != nil {
		return nil, fmt.Errorf("the history is not complete: %w", err)
	}
	return slices.Clone(h.stored), nil
}

func (h *History) caughtUp(ctx context.Context) error {
	live, err := h.get(ctx)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	revision := ""
	if err == nil {
		revision = live.GetResourceVersion()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.revision != revision {
		return fmt.Errorf("resourceVersion %q seen, want %q", h.revision, revision)
	}
	return nil
}

// see records a version of the object. If only metadata or status changed, it has
// the generation of the version before.
func (h *History) see(object any) {
	live, ok := object.(*unstructured.Unstructured)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	exists := h.revision != ""
	h.revision = live.GetResourceVersion()
	now := storedOf(live)
	var last Stored
	if len(h.stored) > 0 {
		last = h.stored[len(h.stored)-1]
	}
	first := int64(1) // of an object that was created during the recording
	switch {
	case last.UID == now.UID && last.Generation == now.Generation:
		return
	case last.UID == now.UID:
		first = last.Generation + 1
		now.NewTemplate = now.template != last.template
	case exists:
		h.gaps = append(h.gaps, fmt.Errorf("the deletion of the object %s was not seen", last.UID))
	case !h.begun:
		first = now.Generation
	}
	if now.Generation != first {
		h.gaps = append(h.gaps, fmt.Errorf("generation %d of the object %s was seen, want %d", now.Generation, now.UID, first))
	}
	h.stored = append(h.stored, now)
}

func (h *History) end(object any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.revision = ""
	if _, unseen := object.(cache.DeletedFinalStateUnknown); unseen {
		h.gaps = append(h.gaps, errors.New("the deletion of the object and its last version were not seen"))
	}
}

func storedOf(live *unstructured.Unstructured) Stored {
	stored := Stored{UID: live.GetUID(), Generation: live.GetGeneration(), Ports: map[string][]string{}}
	for _, container := range Containers(live) {
		stored.Ports[container] = Ports(live, container)
	}
	template, _, _ := unstructured.NestedFieldNoCopy(live.Object, "spec", "template")
	text, err := json.Marshal(template)
	if err != nil {
		panic(fmt.Sprintf("testenv: a decoded object cannot be encoded: %v", err))
	}
	stored.template = string(text)
	return stored
}
