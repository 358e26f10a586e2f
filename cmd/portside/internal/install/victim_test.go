package install_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// The attackers: one with portside's token, and users with one of Kubernetes'
// roles.
const (
	token = "token" // of portside's ServiceAccount, with what RBAC grants it
	edit  = "edit"  // has edit in the namespace {b}, and view in {a}
	admin = "admin" // has admin in the namespace {b}
	view  = "view"  // has view in the namespace {a}
)

// victim is an installation with its attackers. In texts {a} is a namespace that
// opted in to discovery, {b} another one, {system} portside's own and {us} its
// field manager, which names its objects.
type victim struct {
	*installation
	b       string
	configs map[string]*rest.Config
}

// newVictim installs portside, with workloads that it may write and some that it may
// not.
func newVictim(t *testing.T) *victim {
	t.Helper()
	cp := testenv.WithControllers(t) // since controllers aggregate Kubernetes' own roles
	i := prepared(t, cp, install.Options{DiscoveryNamespaces: []string{"a"}})
	i.apply(i.manifests())
	i.kubectl("", "wait", "--for=condition=Established", "crd/adaptersets.portside.dev")
	i.awaitPolicies()
	s := &victim{installation: i, b: cp.Namespace(t), configs: map[string]*rest.Config{token: i.config}}
	s.bind(edit, s.b)
	s.bind(admin, s.b)
	s.bind(view, s.workloads)
	s.kubectl("", "create", "rolebinding", "view-of-edit", "-n", s.workloads, "--clusterrole=view", "--user="+s.user(edit))
	s.deploy()
	s.awaitForce()
	return s
}

func (s *victim) user(role string) string { return role + "-of-" + s.b }

// bind creates a user with a role in a namespace.
func (s *victim) bind(role, namespace string) {
	s.t.Helper()
	config, err := s.User(s.user(role))
	if err != nil {
		s.t.Fatal(err)
	}
	config.WarningHandler = rest.NoWarnings{}
	s.configs[role] = config
	s.kubectl("", "create", "rolebinding", role, "-n", namespace, "--clusterrole="+role, "--user="+s.user(role))
}

// deploy creates what is attacked. portside writes dittofs in {a}; agent uses its
// node's network, frozen is paused, full has 64 adapter ports, and one with a name
// of this test's own is in kube-system.
func (s *victim) deploy() {
	s.t.Helper()
	kind := workload.Deployment
	s.mustApply(s.argo(), declared(kind, `[{name: api, containerPort: 8080, protocol: TCP}, {containerPort: 2049, protocol: TCP}, {name: adapter-git, containerPort: 9418, protocol: TCP}]`))
	s.reconcile(kind, nfs)
	s.mustApply(s.argo(), adapterSet(dittofs))
	s.mustApply(s.argo(), named("agent", onTheNode(kind)))
	s.mustApply(s.argo(), strings.Replace(named("frozen", declared(kind, static)), "{note: as declared}", `{portside.dev/paused: "true"}`, 1))
	s.mustApply(s.argo(), named("full", declared(kind, "["+many(1, 64)+"]")))
	others := s.Manager(testenv.ArgoCD).In(s.b)
	s.mustApply(others, declared(kind, static))
	s.mustApply(others, adapterSet(dittofs))
	s.kubectl(s.fill(`
apiVersion: v1
kind: Secret
metadata: {name: creds, namespace: {a}, labels: {portside.dev/credentials: "true"}}
---
apiVersion: v1
kind: Secret
metadata: {name: creds, namespace: {b}, labels: {portside.dev/credentials: "true"}}
---
apiVersion: v1
kind: Secret
metadata: {name: "{us}", namespace: kube-system}
`), "apply", "--server-side", "-f", "-")
	system := object(s.t, named(s.manager, declared(kind, static)))
	system.SetNamespace("kube-system")
	s.mustApply(s.Manager(testenv.ArgoCD).In("kube-system"), text(s.t, []*unstructured.Unstructured{system}))
	s.t.Cleanup(func() {
		_, _ = s.Kubectl(context.WithoutCancel(s.t.Context()), "kube-system", "", "delete", "deployment,secret", s.manager, "--wait=false")
	})
}

// awaitForce waits until each policy and each role is in force.
func (s *victim) awaitForce() {
	s.t.Helper()
	for policy, try := range map[string]try{
		"guard-adaptersets": patches(aset, "{a}", dittofs, merged(`{"metadata":{"labels":{"evil":"1"}}}`)),
		"guard-events":      creates(eventsOf, "{a}", forged("events.k8s.io/v1", "regarding", "{a}")),
		"guard-leases":      creates(leases, "{system}", `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: other}}`),
	} {
		testenv.Eventually(s.t, policy+" to be in force", func(ctx context.Context) error {
			return portside.RefusedBy(try(ctx, s, s.client(token)), s.manager+"-"+policy+"'")
		})
	}
	for attacker, try := range map[string]try{
		token: reads(secretsOf, "{a}", "creds"), edit: creates(configMaps, "{b}", `{apiVersion: v1, kind: ConfigMap, metadata: {generateName: may-}}`),
		admin: patches(aset, "{b}", dittofs, merged(`{"metadata":{"labels":{"mine":"1"}}}`)), view: reads(aset, "{a}", dittofs),
	} {
		testenv.Eventually(s.t, "the role of "+attacker+" to be in force", func(ctx context.Context) error { return try(ctx, s, s.client(attacker)) })
	}
	testenv.Eventually(s.t, "edit to read the other namespace", func(ctx context.Context) error { return reads(aset, "{a}", dittofs)(ctx, s, s.client(edit)) })
}

func (s *victim) fill(text string) string {
	return strings.NewReplacer("{a}", s.workloads, "{b}", s.b, "{system}", s.system, "{us}", s.manager).Replace(text)
}

func (s *victim) client(attacker string) dynamic.Interface {
	return dynamicClient(s.t, s.configs[attacker])
}

// stored returns the attacked objects as far as an attack would change them.
func (s *victim) stored() string {
	s.t.Helper()
	const all = "deployments,adaptersets,secrets,leases,roles,rolebindings"
	var stored []string
	for namespace, objects := range map[string]string{s.workloads: all, s.b: all, s.system: all, "kube-system": "deployments/" + s.manager + " secrets/" + s.manager} {
		args := append([]string{"get", "-n", namespace}, strings.Fields(objects)...)
		stored = append(stored, s.kubectl("", append(args, "-o",
			`jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name} {.metadata.uid} {.metadata.generation} {.metadata.labels} {.metadata.annotations.note} {.metadata.finalizers}{"\n"}{end}`)...))
	}
	slices.Sort(stored)
	return strings.Join(stored, "")
}

// refusedAs returns nil for a refusal by RBAC or by a policy of portside's.
func (s *victim) refusedAs(by string, err error) error {
	if by != rbac {
		return portside.RefusedBy(err, s.manager+"-"+by+"'")
	}
	if !apierrors.IsForbidden(err) || strings.Contains(err.Error(), "AdmissionPolicy") {
		return fmt.Errorf("not refused by RBAC: %w", err)
	}
	return nil
}
