package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

const (
	// system is the namespace that portside is installed in.
	system = "portside-system"
	// namespacePrefix begins the namespaces of histories.
	namespacePrefix = "lab-"
)

// world is a control plane with portside installed by its own manifests, two replicas of it
// as processes with the token of its ServiceAccount, and the histories under way.
type world struct {
	cp       *testenv.ControlPlane
	client   dynamic.Interface
	program  portside.Program
	args     []string // of the Deployment
	user     *rest.Config
	faults   faults
	replicas []*replica
	log      func(format string, args ...any)
	patience time.Duration // for a quiet period
	others   []string      // requests of the last idle period that were not for the Lease
	round    int           // under way

	mu       sync.Mutex
	managers map[string]*testenv.Manager
	sites    map[string]*site // by namespace
}

// replica is a process of portside with a proxy of its own.
type replica struct {
	*portside.Process
	proxy *testenv.Proxy
	// restarted reports that the process was started in this round.
	restarted bool
}

// shortLease lets the other replica take over within seconds.
var shortLease = []string{"--leader-elect-lease-duration=3s", "--leader-elect-renew-deadline=2s", "--leader-elect-retry-period=300ms"}

// manyRollouts lets the targets of all histories be in a rollout at the same time.
const manyRollouts = "--max-concurrent-rollouts=50"

// newWorld installs a portside binary in a control plane with controllers, and starts two
// replicas. close ends them.
func newWorld(ctx context.Context, cp *testenv.ControlPlane, program portside.Program, log func(string, ...any)) (*world, error) {
	w := &world{cp: cp, program: program, log: log, patience: quietPatience, managers: map[string]*testenv.Manager{}, sites: map[string]*site{}}
	var err error
	if w.client, err = dynamic.NewForConfig(cp.Config()); err != nil {
		return nil, err
	}
	if err := w.install(ctx); err != nil {
		return nil, err
	}
	if w.user, err = portside.Token(ctx, cp, system, contract.Manager); err != nil {
		return nil, err
	}
	for range 2 {
		r := &replica{}
		if r.proxy, err = testenv.NewProxy(w.user, testenv.ProxyHooks{OnRequest: finishWrites, Instead: w.faults.instead, OnAnswer: w.answered}); err != nil {
			return nil, errors.Join(err, w.close())
		}
		w.replicas = append(w.replicas, r)
		if err := w.start(ctx, r); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

// finishWrites lets a write reach the API server although the process that sent it is
// killed, so that its answer is noted.
func finishWrites(request *http.Request) {
	if request.Method != http.MethodGet {
		*request = *request.WithContext(context.WithoutCancel(request.Context()))
	}
}

// install applies the manifests that portside prints.
func (w *world) install(ctx context.Context) error {
	crd, err := testenv.ModuleFile(portside.CRD)
	if err == nil {
		err = w.cp.InstallCRD(ctx, crd)
	}
	if err != nil {
		return err
	}
	args := []string{"install", "--namespace", system, "--services"}
	if release := w.cp.Release(); release.Minor() < 36 {
		args = append(args, "--kube-version", fmt.Sprintf("1.%d", release.Minor()), "--beta-policies")
	}
	command := exec.CommandContext(ctx, w.program.Path, args...)
	command.Env = w.program.Env
	manifests, err := command.Output()
	if err != nil {
		return fmt.Errorf("portside %s: %w", strings.Join(args, " "), err)
	}
	if _, err := w.cp.Kubectl(ctx, "", string(manifests), "apply", "--server-side", "-f", "-"); err != nil {
		return err
	}
	w.args, err = argumentsIn(manifests)
	return err
}

// argumentsIn returns the arguments of the Deployment in manifests.
func argumentsIn(manifests []byte) ([]string, error) {
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(string(manifests)), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); err != nil {
			return nil, fmt.Errorf("the manifests have no Deployment: %w", err)
		}
		if object.GetKind() != "Deployment" {
			continue
		}
		containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
		if len(containers) == 0 {
			return nil, errors.New("the Deployment has no container")
		}
		first, _ := containers[0].(map[string]any)
		args, _, err := unstructured.NestedStringSlice(first, "args")
		if err != nil || len(args) == 0 || args[0] != "run" {
			return nil, fmt.Errorf("the Deployment has the arguments %q: %w", args, err)
		}
		return args[1:], nil
	}
}

// start starts the process of a replica.
func (w *world) start(ctx context.Context, r *replica) error {
	args := slices.Concat(w.args, []string{"--leader-election-namespace", system, manyRollouts}, shortLease)
	process, err := w.program.Start(r.proxy.Config(), args...)
	if err != nil {
		return err
	}
	r.Process, r.restarted = process, true
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		if !r.Alive() {
			return false, fmt.Errorf("portside ended: %s\n%s", r.State(), r.Log.Tail())
		}
		return r.NotReady(ctx) == nil, nil
	})
}

// leads reports whether the process of a replica has begun to lead.
func (r *replica) leads() bool { return r.Alive() && r.Log.Contains(`"msg":"leading"`) }

// restartEnded starts the replicas again that ended by themselves because they lost the
// Lease, as a kubelet does. It is an error if one ended for another reason.
func (w *world) restartEnded(ctx context.Context) error {
	for _, r := range w.replicas {
		if r.Alive() {
			continue
		}
		if !r.Log.Contains("leader election lost") {
			return fmt.Errorf("portside ended: %s\n%s", r.State(), r.Log.Tail())
		}
		if err := w.start(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// beginRound begins a round with replicas that run.
func (w *world) beginRound(round int) {
	w.round = round
	for _, r := range w.replicas {
		r.restarted = false
	}
}

// noteUnseen notes the histories whose AdapterSet was deleted in a round in which the replica
// that leads was started, which may not have seen that. The other may have, and not lead.
func (w *world) noteUnseen(sites []*site) {
	if !slices.ContainsFunc(w.replicas, func(r *replica) bool { return r.restarted && r.leads() }) {
		return
	}
	for _, s := range sites {
		s.unseen = s.unseen || s.deletesSetIn(w.round)
	}
}

// leadership says which replicas lead, and which were started in this round.
func (w *world) leadership() string {
	var texts []string
	for i, r := range w.replicas {
		text := fmt.Sprintf("replica %d stands by", i)
		if r.leads() {
			text = fmt.Sprintf("replica %d leads", i)
		}
		if r.restarted {
			text += " (started in this round)"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// kill kills the replicas that lead, or the others, and starts them again.
func (w *world) kill(ctx context.Context, leader bool) error {
	for _, r := range w.replicas {
		if r.leads() == leader {
			r.Kill()
			if err := w.start(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) close() error {
	var errs []error
	for _, r := range w.replicas {
		if r.Process != nil && r.Alive() {
			errs = append(errs, r.Stop())
		}
		r.proxy.Close()
	}
	return errors.Join(errs...)
}

func (w *world) manager(named string) *testenv.Manager {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, known := w.managers[named]
	if !known {
		m = w.cp.Manager(named)
		w.managers[named] = m
	}
	return m
}

func (w *world) siteOf(namespace string) *site {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sites[namespace]
}

// settle creates the namespace of a history.
func (w *world) newSite(ctx context.Context, h *history) (*site, error) {
	namespace := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"generateName": namespacePrefix}}}
	created, err := w.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).Create(ctx, namespace, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	s := &site{history: h, namespace: created.GetName(), world: w}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sites[s.namespace] = s
	return s, nil
}

// leave deletes the objects of a site, which then is no longer checked.
func (w *world) leave(ctx context.Context, s *site) {
	w.mu.Lock()
	delete(w.sites, s.namespace)
	w.mu.Unlock()
	m := w.manager("kubectl").In(s.namespace)
	for _, kind := range []string{"AdapterSet", s.Kind, "Service"} {
		_ = m.Delete(ctx, kind, "", name) // not all exist
	}
}

// resources are what the objects of histories are.
var resources = map[string]schema.GroupVersionResource{
	"StatefulSet": {Group: "apps", Version: "v1", Resource: "statefulsets"},
	"Deployment":  {Group: "apps", Version: "v1", Resource: "deployments"},
	"DaemonSet":   {Group: "apps", Version: "v1", Resource: "daemonsets"},
	"Service":     {Version: "v1", Resource: "services"},
	"AdapterSet":  {Group: "portside.dev", Version: "v1alpha1", Resource: "adaptersets"},
}

// states returns the objects of all sites, by namespace.
func (w *world) states(ctx context.Context) (map[string]state, error) {
	all := map[string]state{}
	for kind, resource := range resources {
		list, err := w.client.Resource(resource).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			object := &list.Items[i]
			s := all[object.GetNamespace()]
			switch {
			case object.GetName() != name:
			case kind == "AdapterSet":
				s.set = object
			case kind == "Service":
				s.service = object
			case w.siteOf(object.GetNamespace()) != nil && w.siteOf(object.GetNamespace()).Kind == kind:
				s.target = object
			}
			all[object.GetNamespace()] = s
		}
	}
	return all, nil
}
