package apply

import (
	"errors"
	"fmt"
	"regexp"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/fieldmanager"
)

// refusals are the causes for which the API server refused items, by their keys.
type refusals map[fieldmanager.Key]string

// refusedItems returns which of the applied items a refusal names, and why. It is empty
// where it names none: then the object is not as it was read, or the whole apply is
// forbidden.
func refusedItems(err error, list port.List, items []port.Item) refusals {
	if conflict := fieldmanager.Conflicts(err); conflict != nil {
		return conflicting(conflict, list, items)
	}
	return duplicated(err, items)
}

// conflicting returns the items whose name another manager owns (fact 2).
func conflicting(conflict *fieldmanager.ConflictError, list port.List, items []port.Item) refusals {
	refused := refusals{}
	for _, i := range items {
		for _, c := range conflict.Conflicts {
			if c.Within(list.At.Item(i.Key)) {
				refused[i.Key] = fmt.Sprintf("the name of %s is owned by %s", list.Text(i.Key), c.Manager)
			}
		}
	}
	return refused
}

var (
	portNameField  = regexp.MustCompile(`^spec\.template\.spec\.containers\[\d+\]\.ports\[\d+\]\.name$`)
	duplicateValue = regexp.MustCompile(`^Duplicate value: "(.*)"$`)
)

// duplicated returns the items whose name another item of the list has (fact 4). The
// server names the value, and an index into a list that only it has seen.
func duplicated(err error, items []port.Item) refusals {
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
		for _, i := range items {
			if i.Name == value[1] {
				refused[i.Key] = fmt.Sprintf("the name %s is already another port's", i.Name)
			}
		}
	}
	return refused
}

// learn adds refusals and reports whether one of them is new.
func (r refusals) learn(more refusals) bool {
	news := false
	for key, why := range more {
		if _, known := r[key]; !known {
			r[key], news = why, true
		}
	}
	return news
}
