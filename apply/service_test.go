package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

func serviceTarget(namespace string) workload.Target {
	return workload.Target{Kind: workload.Service, Namespace: namespace, Name: dittofs}
}

// desiredPorts are the desired ports of a Service.
func desiredPorts(ports ...apply.ServicePort) apply.Desired {
	return apply.Desired{ServicePorts: ports}
}

// TestService_Clients applies, renumbers and releases the ports of a Service with the
// clients of client-go and of controller-runtime.
func TestService_Clients(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	for name, client := range clients(t, cp) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := cp.Namespace(t)
			cp.Manager(testenv.ArgoCD).In(namespace).MustApply(t, serviceOf("", staticPorts))
			applier, err := apply.New(client)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct {
				desired apply.Desired
				live    []string
			}{
				{desiredPorts(nfsPort), []string{"api:8080/TCP->8080 nodePort=0", "adapter-nfs:2049/TCP->12049 nodePort=0"}},
				{desiredPorts(on(nfsPort, 2050)), []string{"api:8080/TCP->8080 nodePort=0", "adapter-nfs:2050/TCP->12049 nodePort=0"}},
				{apply.Desired{}, []string{"api:8080/TCP->8080 nodePort=0"}},
			} {
				result, err := applier.Apply(t.Context(), serviceTarget(namespace), step.desired)
				if err != nil || result.Outcome != apply.Applied || !result.UpToDate || result.TemplateChanged() || result.Container != "" {
					t.Fatalf("apply: %+v, %v", result, err)
				}
				if got := portsOf(result.After); !slices.Equal(got, step.live) {
					t.Errorf("ports %q, want %q", got, step.live)
				}
			}
		})
	}
}

// TestService_Request sends what client-go's typed client sends for the same apply
// configuration, in at most 400 bytes, and nothing for a Service that is up to date.
func TestService_Request(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	namespace := cp.Namespace(t)
	cp.Manager(testenv.ArgoCD).In(namespace).MustApply(t, serviceOf("", staticPorts))
	var ours, typed []string
	var requests testenv.Requests
	clientset := kubernetes.NewForConfigOrDie(requests.Wrap(recording(cp.Config(), &ours)))
	applier, err := apply.New(workload.ClientGo(clientset.AppsV1()), apply.WithDryRun(true))
	if err != nil {
		t.Fatal(err)
	}
	target, desired := serviceTarget(namespace), desiredPorts(nfsPort, smbPort)
	result, err := applier.Apply(t.Context(), target, desired)
	if err != nil {
		t.Fatal(err)
	}
	services := kubernetes.NewForConfigOrDie(recording(cp.Config(), &typed)).CoreV1().Services(namespace)
	if _, err := services.Get(t.Context(), dittofs, metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	port := func(name string, number, target int32) *applycorev1.ServicePortApplyConfiguration {
		return applycorev1.ServicePort().WithName(name).WithPort(number).WithProtocol(corev1.ProtocolTCP).WithTargetPort(intstr.FromInt32(target))
	}
	configuration := applycorev1.Service(dittofs, namespace).WithUID(result.Before.UID).WithSpec(applycorev1.ServiceSpec().WithPorts(
		port("adapter-smb", 445, 1445), port("adapter-nfs", 2049, 12049)))
	if _, err := services.Apply(t.Context(), configuration, metav1.ApplyOptions{FieldManager: apply.DefaultFieldManager, DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ours, typed) {
		t.Errorf("sent\n%s\nclient-go's typed client sends\n%s", ours, typed)
	}
	if sent := requests.BytesSent(); sent > 400 || requests.Writes() != 1 {
		t.Errorf("the change took %d bytes: %s", sent, &requests)
	}

	stored, err := newApplier(t, cp).Apply(t.Context(), target, desired)
	if err != nil {
		t.Fatal(err)
	}
	for what, w := range map[string]*workload.Workload{"whole": stored.After, "trimmed": trimmed(stored.After, testenv.Portside)} {
		if _, upToDate, err := upToDate(pure, w, desired); !upToDate || err != nil {
			t.Errorf("the %s Service is up to date: %t, %v", what, upToDate, err)
		}
		if _, upToDate, err := upToDate(pure, w, desiredPorts(exposed("nfs", 2049, 12050), smbPort)); upToDate || err != nil {
			t.Errorf("with another target port, the %s Service is up to date: %t, %v", what, upToDate, err)
		}
	}
}

// TestService_MissingAndRecreated never creates a Service, and writes to one that was
// recreated only after it has read it.
func TestService_MissingAndRecreated(t *testing.T) {
	t.Parallel()
	remove := func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		return cp.Manager("testenv").Delete(ctx, "Service", namespace, dittofs)
	}
	recreate := func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		if err := remove(ctx, cp, namespace); err != nil {
			return err
		}
		_, err := cp.Manager(testenv.ArgoCD).In(namespace).Apply(ctx, serviceOf("", staticPorts))
		return err
	}
	t.Run("missing", func(t *testing.T) {
		t.Parallel()
		serviceStory(exposing(nfsPort).costing("GET 1, APPLY 0").is(apply.TargetNotFound), testenv.Expect{Gone: true}).Run(t, testenv.Shared(t))
	})
	t.Run("deleted between the read and the write", func(t *testing.T) {
		t.Parallel()
		serviceStory(argoService(staticPorts),
			exposing(nfsPort).after(remove).costing("GET 2, APPLY 1").is(apply.TargetNotFound), testenv.Expect{Gone: true}).Run(t, testenv.Shared(t))
	})
	t.Run("recreated between the read and the write", func(t *testing.T) {
		t.Parallel()
		serviceStory(argoService(staticPorts),
			exposing(nfsPort).after(recreate).costing("GET 2, APPLY 2").is(apply.Applied, ownedNFSPort)).Run(t, testenv.Shared(t))
	})
	t.Run("recreated since the plan", func(t *testing.T) {
		t.Parallel()
		cp := testenv.Shared(t)
		namespace := cp.Namespace(t)
		cp.Manager(testenv.ArgoCD).In(namespace).MustApply(t, serviceOf("", staticPorts))
		applier := newApplier(t, cp)
		w, err := applier.Get(t.Context(), serviceTarget(namespace))
		if err != nil {
			t.Fatal(err)
		}
		if err := recreate(t.Context(), cp, namespace); err != nil {
			t.Fatal(err)
		}
		result, err := applyFrom(t.Context(), applier, w, desiredPorts(nfsPort))
		if err != nil || result.Outcome != apply.Applied || result.Before.UID == w.UID {
			t.Errorf("outcome %s, %v", result.Outcome, err)
		}
	})
}

// TestService_Paused writes nothing to a paused Service.
func TestService_Paused(t *testing.T) {
	t.Parallel()
	paused := "adapter-nfs 2049/TCP->12049 Blocked: the annotation portside.dev/paused stops every write to the Service"
	serviceStory(argoService(staticPorts),
		edits(testenv.KubectlEdit, `[{"op":"add","path":"/metadata/annotations","value":{"portside.dev/paused":"true"}}]`),
		exposing(nfsPort).costing("GET 1, APPLY 0").is(apply.Paused, paused),
		releasing(false).of(workload.Service).is(apply.Paused),
		adopting(testenv.ArgoCD).of(workload.Service).is(apply.Paused),
	).Run(t, testenv.Shared(t))
}

// TestService_Dedicated writes nothing where our field manager owns more than ports.
func TestService_Dedicated(t *testing.T) {
	t.Parallel()
	for field, spec := range map[string]string{".spec.selector": "selector: {app: files}, ", ".spec.sessionAffinity": "sessionAffinity: ClientIP, "} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			cp := testenv.Shared(t)
			namespace := cp.Namespace(t)
			cp.Manager(testenv.ArgoCD).In(namespace).MustApply(t, serviceOf("", staticPorts))
			ours := fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: dittofs}, spec: {%sports: [{name: adapter-nfs, port: 2049}]}}`, spec)
			live, err := cp.Manager(testenv.Portside).In(namespace).ForceApply(t.Context(), ours)
			if err != nil {
				t.Fatal(err)
			}
			applier := newApplier(t, cp)
			for verb, do := range map[string]func() (apply.Result, error){
				"apply": func() (apply.Result, error) {
					return applier.Apply(t.Context(), serviceTarget(namespace), desiredPorts(nfsPort))
				},
				"release": func() (apply.Result, error) { return applier.Release(t.Context(), serviceTarget(namespace), false) },
				"adopt": func() (apply.Result, error) {
					return applier.Adopt(t.Context(), serviceTarget(namespace), "", []string{"op"})
				},
			} {
				result, err := do()
				var other *apply.NotDedicatedError
				if !errors.As(err, &other) || other.Field != field || other.Count != 1 || result.Outcome != apply.Failed {
					t.Errorf("%s: %s, %v", verb, result.Outcome, err)
				}
			}
			after, err := cp.Manager("testenv").Get(t.Context(), "Service", namespace, dittofs)
			if err != nil || after.GetResourceVersion() != live.GetResourceVersion() {
				t.Errorf("the Service was changed: %v", err)
			}
		})
	}
}

// TestService_AppProtocolAndProtocols applies the application protocol, and one number in
// two protocols.
func TestService_AppProtocolAndProtocols(t *testing.T) {
	t.Parallel()
	tcp, udp := exposed("dns", 53, 1053), exposed("dns-udp", 53, 1053)
	tcp.AppProtocol, udp.Protocol = "example.com/dns", "udp"
	serviceStory(argoService(staticPorts),
		exposing(tcp, udp).is(apply.Applied, "adapter-dns 53/TCP->1053 Owned portside/Apply", "adapter-dns-udp 53/UDP->1053 Owned portside/Apply"),
		testenv.Expect{Owners: map[string][]string{"53/TCP.appProtocol": {usApply}, "53/UDP.appProtocol": {}}},
		exposing(tcp, udp).is(apply.Unchanged, "adapter-dns 53/TCP->1053 Owned portside/Apply", "adapter-dns-udp 53/UDP->1053 Owned portside/Apply"),
		exposing(udp).is(apply.Applied, "adapter-dns-udp 53/UDP->1053 Owned portside/Apply", "adapter-dns 53/TCP->1053 Removed"),
		testenv.Expect{Ports: []string{"api:8080/TCP->8080", "adapter-dns-udp:53/UDP->1053"}},
	).Run(t, testenv.Shared(t))
}

// TestServiceOwners returns the ports of a Service with their owners.
func TestServiceOwners(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	namespace := cp.Namespace(t)
	serviceStory(argoService(staticPorts), exposing(nfsPort).is(apply.Applied, ownedNFSPort)).RunIn(t, cp, namespace)
	w, err := newApplier(t, cp).Get(t.Context(), serviceTarget(namespace))
	if err != nil {
		t.Fatal(err)
	}
	owned, err := apply.ServiceOwners(w)
	if err != nil || len(owned) != 2 || owned[1].Port.Name != "adapter-nfs" || owned[1].Owners.Item[0].Name != testenv.Portside ||
		len(owned[1].Owners.Leaves["targetPort"]) != 1 || owned[0].Owners.Item[0].Name != testenv.ArgoCD {
		t.Errorf("owners %+v, %v", owned, err)
	}
	observed, err := pure.Observe(w)
	if err != nil {
		t.Fatal(err)
	}
	want := []port.Port{{Name: "adapter-nfs", Number: 2049, Protocol: "TCP", TargetPort: intstr.FromInt32(12049)}}
	if got, err := observed.OwnPorts(""); err != nil || !slices.Equal(got, want) {
		t.Errorf("own ports %v, want %v", got, want)
	}
	if workloads, err := apply.Owners(w); err != nil || len(workloads) > 0 {
		t.Errorf("containers of a Service: %v, %v", workloads, err)
	}
}
