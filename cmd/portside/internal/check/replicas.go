package check

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// replicas checks that the replicas of the installation's Deployment are ready.
func (c *checker) replicas(ctx context.Context) error {
	deployments, err := c.deployments(ctx, c.options.Namespace)
	switch {
	case apierrors.IsForbidden(err):
		c.add("Replicas", Warning, "", "cannot list Deployments in namespace %s: forbidden; ask for the permission to list deployments.apps there", c.options.Namespace)
		return nil
	case err != nil:
		return fmt.Errorf("cannot list Deployments: %w", err)
	case len(deployments) == 0:
		c.noDeployment(ctx)
	}
	for i := range deployments {
		c.ready(&deployments[i])
	}
	return nil
}

// selector selects the Deployment of the installation, and its pods.
func (c *checker) selector() string { return "app.kubernetes.io/instance=" + c.options.FieldManager }

func (c *checker) deployments(ctx context.Context, namespace string) ([]appsv1.Deployment, error) {
	list, err := c.client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=portside," + c.selector()})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// noDeployment reports that there is no Deployment, or that it is in another
// namespace than the one that was given. AdapterSets make it an Error.
func (c *checker) noDeployment(ctx context.Context) {
	state, consequence := Warning, "AdapterSets will not be reconciled"
	// That they cannot be listed is reported by their own check.
	if sets, err := c.adapterSets(ctx); err == nil && len(sets) > 0 {
		state, consequence = Error, fmt.Sprintf("%d AdapterSets are not reconciled", len(sets))
	}
	elsewhere, err := c.deployments(ctx, metav1.NamespaceAll)
	if err == nil && len(elsewhere) > 0 {
		there := c.options
		there.Namespace, there.KubeVersion = elsewhere[0].Namespace, nil
		c.add("Replicas", Warning, deploymentName(&elsewhere[0]), "not in namespace %s, which this check is about; run: portside check%s", c.options.Namespace, there.Flags())
		return
	}
	c.add("Replicas", state, "", "no Deployment with the label %s in namespace %s: %s; run: %s", c.selector(), c.options.Namespace, consequence, c.installCommand())
}

// ready compares the ready replicas of a Deployment with those that it should
// have.
func (c *checker) ready(d *appsv1.Deployment) {
	want, ready := ptr.Deref(d.Spec.Replicas, 1), d.Status.ReadyReplicas
	if want == 0 {
		c.add("Replicas", Error, deploymentName(d), "scaled to 0, so AdapterSets are not reconciled; run: kubectl scale deployment %s -n %s --replicas 2", d.Name, d.Namespace)
		return
	}
	if ready >= want {
		c.add("Replicas", OK, deploymentName(d), "%d of %d replicas are ready", ready, want)
		return
	}
	state := Warning
	if ready == 0 {
		state = Error
	}
	cause := ""
	for _, condition := range d.Status.Conditions {
		if condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == corev1.ConditionTrue {
			cause = ": " + condition.Message
		}
	}
	c.add("Replicas", state, deploymentName(d), "%d of %d replicas are ready%s; see: kubectl describe pods -n %s -l %s", ready, want, cause, d.Namespace, c.selector())
}

func deploymentName(d *appsv1.Deployment) string { return "Deployment " + d.Namespace + "/" + d.Name }
