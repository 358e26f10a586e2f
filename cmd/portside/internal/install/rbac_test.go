package install_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// permission is one verb of one rule: "verb resource.group", followed by /name if
// the rule names objects.
type permission string

// does is a request that needs a permission.
type does func(ctx context.Context, i *installation) error

// needs has a request for every permission of portside. The test fails for a
// permission without a line here and for a line without a permission.
var needs = func() map[permission]does {
	all := map[permission]does{
		"get replicasets.apps": func(ctx context.Context, i *installation) error {
			_, err := i.us().AppsV1().ReplicaSets(i.workloads).Get(ctx, "dittofs", metav1.GetOptions{})
			return foundOr(err)
		},
		"list pods": func(ctx context.Context, i *installation) error {
			_, err := i.us().CoreV1().Pods(i.workloads).List(ctx, metav1.ListOptions{})
			return err
		},
		"watch pods": func(ctx context.Context, i *installation) error {
			return watches(ctx, i, schema.GroupVersionResource{Version: "v1", Resource: "pods"})
		},
		"get secrets": func(ctx context.Context, i *installation) error {
			_, err := i.us().CoreV1().Secrets(i.workloads).Get(ctx, "dittofs", metav1.GetOptions{})
			return foundOr(err)
		},
		"get adaptersets.portside.dev": func(ctx context.Context, i *installation) error {
			_, err := i.sets().Get(ctx, dittofs, metav1.GetOptions{})
			return err
		},
		"list adaptersets.portside.dev": func(ctx context.Context, i *installation) error {
			_, err := i.sets().List(ctx, metav1.ListOptions{})
			return err
		},
		"watch adaptersets.portside.dev": func(ctx context.Context, i *installation) error {
			return watches(ctx, i, adapterSets)
		},
		"patch adaptersets.portside.dev": func(ctx context.Context, i *installation) error {
			return i.applySet(ctx, `{"apiVersion":"portside.dev/v1alpha1","kind":"AdapterSet","metadata":{"name":"dittofs","finalizers":["portside.dev/ports"]}}`)
		},
		"patch adaptersets/status.portside.dev": func(ctx context.Context, i *installation) error {
			return i.applySet(ctx, `{"apiVersion":"portside.dev/v1alpha1","kind":"AdapterSet","metadata":{"name":"dittofs"},"status":{"readyPorts":1}}`, "status")
		},
		"create events.events.k8s.io": func(ctx context.Context, i *installation) error {
			_, err := i.us().EventsV1().Events(i.workloads).Create(ctx, event(i), metav1.CreateOptions{})
			return err
		},
		"patch events.events.k8s.io": func(ctx context.Context, i *installation) error {
			_, err := i.us().EventsV1().Events(i.workloads).Patch(ctx, "gone", types.StrategicMergePatchType, []byte(`{"note":"again"}`), metav1.PatchOptions{})
			return foundOr(err)
		},
		"use fieldmanagers.portside.dev/{us}": func(ctx context.Context, i *installation) error {
			_, err := i.us().AppsV1().StatefulSets(i.workloads).Patch(ctx, dittofs, types.MergePatchType, []byte(`{}`), dryRun(i))
			return err
		},
		"create tokenreviews.authentication.k8s.io": func(ctx context.Context, i *installation) error {
			_, err := i.us().AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: "x"}}, metav1.CreateOptions{})
			return err
		},
		"create subjectaccessreviews.authorization.k8s.io": func(ctx context.Context, i *installation) error {
			_, err := i.us().AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: "prometheus", NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"}}}, metav1.CreateOptions{})
			return err
		},
		"create events": func(ctx context.Context, i *installation) error {
			_, err := i.us().CoreV1().Events(i.system).Create(ctx, leads(i), metav1.CreateOptions{})
			return err
		},
		"create leases.coordination.k8s.io": func(ctx context.Context, i *installation) error {
			_, err := i.us().CoordinationV1().Leases(i.system).Create(ctx, lease(i), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			return err
		},
		"get leases.coordination.k8s.io/{us}": func(ctx context.Context, i *installation) error {
			_, err := i.us().CoordinationV1().Leases(i.system).Get(ctx, i.manager, metav1.GetOptions{})
			return foundOr(err)
		},
		"update leases.coordination.k8s.io/{us}": func(ctx context.Context, i *installation) error {
			renewed := lease(i)
			renewed.ResourceVersion = "1"
			_, err := i.us().CoordinationV1().Leases(i.system).Update(ctx, renewed, metav1.UpdateOptions{})
			return foundOr(err)
		},
	}
	for _, kind := range append(workload.Kinds(), workload.Service) {
		resource := resourceOf(kind).GroupResource().String()
		all[permission("get "+resource)] = func(ctx context.Context, i *installation) error {
			_, err := i.applier().Get(ctx, i.target(kind))
			return err
		}
		all[permission("list "+resource)] = func(ctx context.Context, i *installation) error {
			_, err := i.resource(kind).List(ctx, metav1.ListOptions{})
			return err
		}
		all[permission("watch "+resource)] = func(ctx context.Context, i *installation) error {
			return watches(ctx, i, resourceOf(kind))
		}
		all[permission("patch "+resource)] = func(ctx context.Context, i *installation) error {
			desired := apply.Desired{Container: dittofs, Adapters: []apply.Adapter{nfs}}
			if kind == workload.Service {
				desired = apply.Desired{ServicePorts: []apply.ServicePort{exposed(nfs, 2049)}}
			}
			_, err := i.applier(apply.WithDryRun(true)).Apply(ctx, i.target(kind), desired)
			return err
		}
	}
	return all
}()

var adapterSets = schema.GroupVersionResource{Group: "portside.dev", Version: "v1alpha1", Resource: "adaptersets"}

// us returns a client with portside's token.
func (i *installation) us() *kubernetes.Clientset { return clientset(i.t, i.config) }

func (i *installation) sets() dynamic.ResourceInterface {
	return dynamicClient(i.t, i.config).Resource(adapterSets).Namespace(i.workloads)
}

func (i *installation) applySet(ctx context.Context, data string, subresources ...string) error {
	_, err := i.sets().Patch(ctx, dittofs, types.ApplyPatchType, []byte(data), dryRun(i), subresources...)
	return err
}

func dryRun(i *installation) metav1.PatchOptions {
	return metav1.PatchOptions{FieldManager: i.manager, DryRun: []string{metav1.DryRunAll}}
}

func watches(ctx context.Context, i *installation, resource schema.GroupVersionResource) error {
	w, err := dynamicClient(i.t, i.config).Resource(resource).Namespace(i.workloads).Watch(ctx, metav1.ListOptions{})
	if err == nil {
		w.Stop()
	}
	return err
}

// foundOr ignores that an object does not exist: the server checks RBAC first.
func foundOr(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func event(i *installation) *eventsv1.Event {
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "dittofs-", Namespace: i.workloads}, EventTime: metav1.NowMicro(),
		ReportingController: "portside", ReportingInstance: "portside-0", Action: "Apply", Reason: "Applied", Type: "Normal",
		Regarding: corev1.ObjectReference{APIVersion: "apps/v1", Kind: "StatefulSet", Namespace: i.workloads, Name: dittofs},
	}
}

// leads returns the event that client-go's leader election writes about a Lease.
func leads(i *installation) *corev1.Event {
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{GenerateName: i.manager + "-", Namespace: i.system}, Reason: "LeaderElection", Message: "it became leader", Type: "Normal",
		InvolvedObject: corev1.ObjectReference{APIVersion: "coordination.k8s.io/v1", Kind: "Lease", Namespace: i.system, Name: i.manager},
	}
}

func lease(i *installation) *coordinationv1.Lease {
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: i.manager, Namespace: i.system}}
}

// permissions returns the permissions of a role's rules.
func permissions(t *testing.T, role *unstructured.Unstructured, manager string) map[permission]rbacv1.PolicyRule {
	t.Helper()
	var typed rbacv1.ClusterRole // a Role has the same rules
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(role.Object, &typed); err != nil {
		t.Fatal(err)
	}
	all := map[permission]rbacv1.PolicyRule{}
	for _, rule := range typed.Rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					p := strings.TrimSuffix(verb+" "+resource+"."+group, ".")
					one := rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: []string{verb}, ResourceNames: rule.ResourceNames}
					for _, name := range rule.ResourceNames {
						p += "/" + strings.ReplaceAll(name, manager, "{us}")
					}
					all[permission(p)] = one
				}
			}
		}
	}
	return all
}

// isRole reports whether an object is a role of portside itself, not of its users.
func isRole(o *unstructured.Unstructured) bool {
	return strings.HasSuffix(o.GetKind(), "Role") && o.GetLabels()["app.kubernetes.io/instance"] != ""
}

// TestEveryPermissionIsNeeded removes one verb of one rule at a time: the request
// that needs it is refused then, and only then.
func TestEveryPermissionIsNeeded(t *testing.T) {
	t.Parallel()
	whole := installed(t, install.Options{DiscoveryNamespaces: []string{"workloads"}, Services: true})
	for _, kind := range workload.Kinds() {
		whole.mustApply(whole.argo(), declared(kind, static))
	}
	whole.mustApply(whole.argo(), service("", staticServicePorts))
	whole.mustApply(whole.argo(), adapterSet(dittofs))
	granted := map[permission]bool{}
	for _, role := range slices.DeleteFunc(whole.manifests(), func(o *unstructured.Unstructured) bool { return !isRole(o) }) {
		for p := range permissions(t, role, whole.manager) {
			granted[p] = true
			if _, known := needs[p]; !known {
				t.Errorf("%s: no request in needs", p)
			}
		}
	}
	for _, p := range slices.Sorted(maps.Keys(needs)) {
		if !granted[p] {
			t.Errorf("%s is not granted", p)
			continue
		}
		if err := needs[p](t.Context(), whole); err != nil {
			t.Errorf("%s, with every permission: %v", p, err)
		}
	}
	for number, p := range slices.Sorted(maps.Keys(needs)) {
		t.Run("without "+string(p), func(t *testing.T) {
			t.Parallel()
			i := whole.without(t, p, number)
			err := needs[p](t.Context(), i)
			if p == "use fieldmanagers.portside.dev/{us}" {
				testenv.Eventually(t, "the name policy to refuse", func(ctx context.Context) error {
					return portside.RefusedBy(needs[p](ctx, i), i.manager+"-name'")
				})
				return
			}
			if !apierrors.IsForbidden(err) || strings.Contains(err.Error(), "Policy") {
				t.Errorf("not refused by RBAC: %v", err)
			}
		})
	}
}

// without returns another installation in the same namespaces that lacks a
// permission.
func (i *installation) without(t *testing.T, p permission, number int) *installation {
	t.Helper()
	less := *i
	less.t, less.manager = t, fmt.Sprintf("without-%d-%s", number, i.manager)
	less.options.FieldManager = less.manager
	var objects []*unstructured.Unstructured
	for _, object := range less.manifests() {
		switch kind := object.GetKind(); {
		case isRole(object):
			less.take(object, p)
		case kind == "ServiceAccount", strings.HasSuffix(kind, "RoleBinding"):
		case strings.Contains(string(p), "use") && strings.HasPrefix(object.GetName(), less.manager+"-name"):
		default:
			continue
		}
		objects = append(objects, object)
	}
	less.apply(objects)
	for _, counts := range []permission{"list pods", "create leases.coordination.k8s.io", "create tokenreviews.authentication.k8s.io"} {
		if counts != p {
			testenv.Eventually(t, "the other permissions to be in force", func(ctx context.Context) error { return needs[counts](ctx, &less) })
		}
	}
	return &less
}

// take removes a permission from a role.
func (i *installation) take(role *unstructured.Unstructured, p permission) {
	i.t.Helper()
	all := permissions(i.t, role, i.manager)
	delete(all, p)
	rules := []any{}
	for _, p := range slices.Sorted(maps.Keys(all)) {
		rule := all[p]
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&rule)
		if err != nil {
			i.t.Fatal(err)
		}
		rules = append(rules, object)
	}
	role.Object["rules"] = rules
}
