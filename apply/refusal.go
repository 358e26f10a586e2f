package apply

import (
	"errors"
	"fmt"
	"regexp"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// refusedPorts finds which of the emitted ports a refusal names, and why. It
// is empty where it names none: then the object is not as we saw it, or
// somebody forbids the whole apply.
func refusedPorts(err error, container string, emitted []port.Port) refusals {
	if conflict := fieldmanager.Conflicts(err); conflict != nil {
		return conflicting(conflict, container, emitted)
	}
	return duplicated(err, emitted)
}

// conflicting are the ports whose name another manager owns (fact 2).
func conflicting(conflict *fieldmanager.ConflictError, container string, emitted []port.Port) refusals {
	refused := refusals{}
	for _, p := range emitted {
		key := portKey{p.Number, p.Protocol}
		item := portsOf(container).Item(key.fields())
		for _, c := range conflict.Conflicts {
			if c.Within(item) {
				refused[key] = fmt.Sprintf("the name of %s is owned by %s", key, c.Manager)
			}
		}
	}
	return refused
}

var (
	portNameField  = regexp.MustCompile(`^spec\.template\.spec\.containers\[\d+\]\.ports\[\d+\]\.name$`)
	duplicateValue = regexp.MustCompile(`^Duplicate value: "(.*)"$`)
)

// duplicated are the ports whose name another port of the container has
// (fact 4). The server names the value, and an index into a list that only it
// has seen.
func duplicated(err error, emitted []port.Port) refusals {
	refused := refusals{}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return refused
	}
	for _, cause := range status.Status().Details.Causes {
		value := duplicateValue.FindStringSubmatch(cause.Message)
		if cause.Type != metav1.CauseTypeFieldValueDuplicate || value == nil || !portNameField.MatchString(cause.Field) {
			continue
		}
		for _, p := range emitted {
			if p.Name == value[1] {
				refused[portKey{p.Number, p.Protocol}] = fmt.Sprintf("the name %s is already another port's", p.Name)
			}
		}
	}
	return refused
}
