package apply_test

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply"
)

// A decision needs no server: from a StatefulSet as it was read and the
// adapters that are wanted to what one apply says.
func ExampleDecide() {
	workload := workload.ReadStatefulSet(&appsv1.StatefulSet{
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
	container, err := workload.Container("") // the only one
	if err != nil {
		panic(err)
	}
	intent, err := apply.Decide(workload, container, apply.Desired{Adapters: []apply.Adapter{
		{Type: "nfs", Port: 12049},
		{Type: "smb", Port: 1445},
	}}, apply.DefaultFieldManager)
	if err != nil {
		panic(err)
	}
	fmt.Println("emit", intent.Items)
	for _, p := range intent.Ports {
		fmt.Println(p.Name, p.State, p.Message)
	}
	// Output:
	// emit [adapter-smb:1445/TCP]
	// adapter-nfs Shadowed 12049/TCP is declared by argocd-controller (Apply) as "nfs"
	// adapter-smb Owned
}

// One pass of a controller of your own: what is wanted comes from wherever it
// knows it, and the result says what became of each port.
func ExampleApplier_Apply() {
	pass := func(ctx context.Context, config *rest.Config) error {
		client, err := appsclient.NewForConfig(config)
		if err != nil {
			return err
		}
		applier, err := apply.New(client, apply.WithFieldManager("my-operator-ports"))
		if err != nil {
			return err
		}
		target := workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: "dittofs"}
		result, err := applier.Apply(ctx, target, apply.Desired{Adapters: []apply.Adapter{
			{Type: "nfs", Port: 12049},
		}})
		if err != nil {
			return err
		}
		for _, port := range result.Ports {
			fmt.Println(result.Outcome, port.Name, port.State)
		}
		return nil
	}
	_ = pass // it needs a cluster
}
