package workload

import (
	"context"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
)

const (
	// revisionAnnotation numbers the ReplicaSets of a Deployment; see
	// https://kubernetes.io/docs/reference/labels-annotations-taints/#deployment-kubernetes-io-revision
	revisionAnnotation = "deployment.kubernetes.io/revision"
	// pastAnnotation has the numbers that a ReplicaSet had before its template
	// came back: "1,3".
	pastAnnotation = "deployment.kubernetes.io/revision-history"
	// pastCut is the length from which the oldest numbers may have been dropped
	// from it; the controller keeps 2000 characters.
	pastCut = 1900
)

// replicaSets are the revisions of Deployments.
var replicaSets = Revisions{Resource: "replicaset.apps", List: listReplicaSets}

func listReplicaSets(ctx context.Context, apps appsclient.AppsV1Interface, owner Object, selector string) ([]Revision, error) {
	list, err := apps.ReplicaSets(owner.GetNamespace()).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	var current, past []Revision
	for i := range list.Items {
		r := &list.Items[i]
		number, err := strconv.ParseInt(r.Annotations[revisionAnnotation], 10, 64)
		if err != nil || !metav1.IsControlledBy(r, owner) {
			continue // one without a number has not been a revision yet
		}
		// It was created with the lowest of its numbers. When it got another is not
		// recorded: scaling writes it, too.
		numbers := append(pastNumbers(r), number)
		lowest := slices.Min(numbers)
		created := r.CreationTimestamp.Time
		firstKnown := !created.Before(owner.GetCreationTimestamp().Time) && len(r.Annotations[pastAnnotation]) < pastCut
		for _, n := range numbers {
			one := Revision{Name: r.Name, Created: created, Containers: containersOf(&r.Spec.Template), Number: n}
			if n == lowest && firstKnown {
				one.Numbered = created
			}
			if n == number {
				current = append(current, one)
			} else {
				past = append(past, one)
			}
		}
	}
	// Where two have a number, the one that has it now is right.
	for _, p := range past {
		if !slices.ContainsFunc(current, func(r Revision) bool { return r.Number == p.Number }) {
			current = append(current, p)
		}
	}
	return current, nil
}

func pastNumbers(r *appsv1.ReplicaSet) []int64 {
	var numbers []int64
	for word := range strings.SplitSeq(r.Annotations[pastAnnotation], ",") {
		if n, err := strconv.ParseInt(word, 10, 64); err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	return numbers
}
