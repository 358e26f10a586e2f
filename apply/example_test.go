package apply_test

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// A decision needs no server: from a StatefulSet as it was read, and the active
// adapters, to the ports of one apply.
func ExampleObserved_Decide() {
	w, err := workload.Read(&appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "storage", Name: "dittofs",
			ManagedFields: []metav1.ManagedFieldsEntry{{
				Manager: "argocd-controller", Operation: metav1.ManagedFieldsOperationApply, APIVersion: "apps/v1",
				FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{
					".":{},"f:name":{},"f:ports":{"k:{\"containerPort\":12049,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{}}}}}}}}}`),
			}},
		},
		Spec: appsv1.StatefulSetSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name:  "dittofs",
			Ports: []corev1.ContainerPort{{Name: "nfs", ContainerPort: 12049, Protocol: corev1.ProtocolTCP}},
		}}}}},
	})
	if err != nil {
		panic(err)
	}
	applier, err := apply.New(nil) // nothing is sent
	if err != nil {
		panic(err)
	}
	observed, err := applier.Observe(w)
	if err != nil {
		panic(err)
	}
	plan, err := observed.Decide(apply.Desired{Adapters: []apply.Adapter{
		{Type: "nfs", Port: 12049},
		{Type: "smb", Port: 1445},
	}})
	if err != nil {
		panic(err)
	}
	fmt.Println("apply", plan.Items)
	for _, p := range plan.Ports {
		fmt.Println(p.Name, p.State, p.Message)
	}
	// Output:
	// apply [adapter-smb:1445/TCP]
	// adapter-nfs Shadowed 12049/TCP is declared by argocd-controller (Apply) as "nfs"
	// adapter-smb Owned
}

// An operator with client-go's clientset applies the ports of the adapters that it
// knows to be active, and reads the state of each from the result.
func ExampleApplier_Apply() {
	_ = func(ctx context.Context, clientset kubernetes.Interface, active []apply.Adapter) error {
		applier, err := apply.New(workload.ClientGo(clientset.AppsV1()), apply.WithFieldManager("my-operator-ports"))
		if err != nil {
			return err
		}
		target := workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: "dittofs"}
		result, err := applier.Apply(ctx, target, apply.Desired{Adapters: active})
		if err != nil {
			return err
		}
		for _, p := range result.Ports {
			fmt.Println(result.Outcome, p.Name, p.State, p.Reason)
		}
		return nil
	}
}

// A reconciler with controller-runtime decides on the StatefulSet that it was given by
// its cache, and sends a request only if there is something to change. The client that
// writes reads from the API server.
func ExampleApplier_ApplyFrom() {
	_ = func(ctx context.Context, direct client.Client, cached *appsv1.StatefulSet, active []apply.Adapter) error {
		applier, err := apply.New(workload.ControllerRuntime(direct), apply.WithFieldManager("my-operator-ports"))
		if err != nil {
			return err
		}
		w, err := workload.Read(cached)
		if err != nil {
			return err
		}
		observed, err := applier.Observe(w)
		if err != nil {
			return err
		}
		plan, err := observed.Decide(apply.Desired{Adapters: active})
		if err != nil {
			return err
		}
		if upToDate, err := plan.UpToDate(); upToDate || err != nil {
			return err
		}
		_, err = applier.ApplyFrom(ctx, plan)
		return err
	}
}

// An operator that is uninstalled leaves the ports as they are, and gives up what it owns.
func ExampleApplier_Release() {
	_ = func(ctx context.Context, applier *apply.Applier) error {
		for _, kind := range []workload.Kind{workload.StatefulSet, workload.Deployment, workload.DaemonSet} {
			target := workload.Target{Kind: kind, Namespace: "storage", Name: "dittofs"}
			if _, err := applier.Release(ctx, target, true); err != nil {
				return err
			}
		}
		return nil
	}
}

// A kind that this package does not know takes a definition. Its objects have the pod
// template at spec.template.
func ExampleWithKind() {
	_ = func(direct client.Client) (*apply.Applier, error) {
		const apiVersion, kind = "argoproj.io/v1alpha1", "Rollout"
		rollout := workload.Definition{
			Kind: workload.KindOf(apiVersion, kind), Version: "v1alpha1", Resource: "rollouts",
			New: func() workload.Object {
				return &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind}}
			},
			Read: func(object workload.Object) (workload.State, error) {
				var r struct {
					Spec struct {
						Replicas int32                  `json:"replicas"`
						Selector *metav1.LabelSelector  `json:"selector"`
						Template corev1.PodTemplateSpec `json:"template"`
					} `json:"spec"`
				}
				content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
				if err == nil {
					err = runtime.DefaultUnstructuredConverter.FromUnstructured(content, &r)
				}
				return workload.State{Selector: r.Spec.Selector, Template: &r.Spec.Template, Restarts: r.Spec.Replicas}, err
			},
			Configure: func(meta *applymetav1.ObjectMetaApplyConfiguration, template *applycorev1.PodTemplateSpecApplyConfiguration) any {
				configuration := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": meta}
				if template != nil {
					configuration["spec"] = map[string]any{"template": template}
				}
				return configuration
			},
		}
		options := []apply.Option{apply.WithFieldManager("my-operator-ports"), apply.WithKind(&rollout)}
		return apply.New(workload.ControllerRuntime(direct), options...)
	}
}

// The errors of a reconciliation are typed. What is wrong with single ports is no error:
// each has a state and a reason.
func ExampleResult() {
	_ = func(result apply.Result, err error) {
		var (
			notDedicated *apply.NotDedicatedError
			container    *workload.ContainerError
			tooMany      *apply.TooManyError
			empty        *apply.EmptyListError
		)
		switch {
		case errors.As(err, &notDedicated):
			fmt.Println("another controller applies as", notDedicated.Manager, "and owns", notDedicated.Field)
		case errors.As(err, &container):
			switch container.Reason {
			case workload.ContainerAmbiguous:
				fmt.Println("name one of the containers", container.Containers)
			case workload.ContainerMissing, workload.ContainerIsInit:
				fmt.Println("correct the name: the containers are", container.Containers)
			}
		case errors.As(err, &tooMany):
			fmt.Println("the source lists", tooMany.Count, "adapters")
		case errors.As(err, &empty):
			fmt.Println("adopt the empty list from", fieldmanager.Names(empty.Managers))
		case apply.IsRefusal(err):
			fmt.Println("the API server refuses:", err)
		case err != nil:
			fmt.Println("try again later:", err)
		}
		for _, p := range result.Ports {
			switch p.Reason {
			case port.ReasonNameTaken:
				fmt.Println("adopt", p.Name, "from", p.Blocker.AdoptFrom)
			case port.ReasonUnowned:
				fmt.Println("the number of", p.Name, "has another name, and no owner to ask")
			case port.ReasonDuplicateName, port.ReasonDuplicatePort, port.ReasonTooManyPorts:
				fmt.Println("correct the list of adapters:", p.Message)
			case port.ReasonRefused:
				fmt.Println("the API server refuses", p.Name)
			}
		}
	}
}

// The ports of a Service are decided, and applied, in the same way. Its numbers can differ
// from those of the adapters.
func ExampleObserved_Decide_service() {
	w, err := workload.Read(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: "dittofs"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "api", Port: 8080, Protocol: corev1.ProtocolTCP}}},
	})
	if err != nil {
		panic(err)
	}
	applier, err := apply.New(nil) // nothing is sent
	if err != nil {
		panic(err)
	}
	observed, err := applier.Observe(w)
	if err != nil {
		panic(err)
	}
	plan, err := observed.Decide(apply.Desired{ServicePorts: []apply.ServicePort{
		{Adapter: apply.Adapter{Type: "http", Port: 8080}},
		{Adapter: apply.Adapter{Type: "nfs", Port: 2049}, TargetPort: intstr.FromInt32(12049)},
	}})
	if err != nil {
		panic(err)
	}
	fmt.Println("apply", plan.Items)
	for _, p := range plan.Ports {
		fmt.Println(p.Name, p.State, p.Message)
	}
	// Output:
	// apply [adapter-nfs:2049/TCP->12049]
	// adapter-http Shadowed 8080/TCP is declared by no known manager as "api"
	// adapter-nfs Owned
}
