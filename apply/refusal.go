package apply

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/fieldmanager"
)

// refusals are what the API server refused of items, by their keys.
type refusals map[fieldmanager.Key]port.Refusal

// refusedItems returns which of the applied items a refusal names, and why. It is empty
// where it names none: then the object is not as it was read, or the whole apply is
// forbidden.
func refusedItems(err error, list port.List, items []port.Item) refusals {
	if conflict := fieldmanager.Conflicts(err); conflict != nil {
		return conflicting(conflict, list, items)
	}
	return invalid(err, list, items)
}

// conflicting returns the items of which another manager owns the name (fact 2), or a
// further field.
func conflicting(conflict *fieldmanager.ConflictError, list port.List, items []port.Item) refusals {
	refused := refusals{}
	for _, i := range items {
		var fields []string
		for _, c := range conflict.Conflicts {
			if !c.Within(list.At.Item(i.Key)) {
				continue
			}
			at := slices.IndexFunc(list.Fields, func(field string) bool { return c.Within(list.At.Item(i.Key).Field(field)) })
			if at < 0 {
				refused[i.Key] = port.Refusal{Message: fmt.Sprintf("the name of %s is owned by %s", list.Text(i.Key), c.Manager)}
				break
			}
			fields = append(fields, list.Fields[at])
		}
		if _, named := refused[i.Key]; !named && len(fields) > 0 {
			refused[i.Key] = port.Refusal{Fields: fields}
		}
	}
	return refused
}

var (
	index    = regexp.MustCompile(`\[[^]]*\]`)
	badValue = regexp.MustCompile(`^(Duplicate|Invalid|Unsupported) value: (.*)$`)
)

// invalid returns the items with a value that the server does not take, such as a name
// that another item of the list has (fact 4). A cause has the value, and an index into a
// list that only the server has seen.
func invalid(err error, list port.List, items []port.Item) refusals {
	refused := refusals{}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return refused
	}
	item := index.ReplaceAllString(strings.TrimPrefix(list.At.Path().String(), "."), "[]") + "[]."
	for _, cause := range status.Status().Details.Causes {
		field, within := strings.CutPrefix(index.ReplaceAllString(cause.Field, "[]"), item)
		match := badValue.FindStringSubmatch(cause.Message)
		if !within || match == nil {
			continue
		}
		var value any
		if json.NewDecoder(strings.NewReader(match[2])).Decode(&value) != nil {
			continue
		}
		for _, i := range items {
			if have := list.Value(i, field); have == nil || fmt.Sprint(have) != fmt.Sprint(value) {
				continue
			}
			message := fmt.Sprintf("the API server does not take the %s of %s: %s", field, list.Text(i.Key), cause.Message)
			if field == list.Name && cause.Type == metav1.CauseTypeFieldValueDuplicate {
				message = fmt.Sprintf("the name %s is already another port's", i.Name)
			}
			refused[i.Key] = port.Refusal{Message: message}
		}
	}
	return refused
}

// learn adds refusals and reports whether one of them is new.
func (r refusals) learn(more refusals) bool {
	news := false
	for key, refusal := range more {
		known, again := r[key]
		if again && (len(known.Fields) == 0 || len(refusal.Fields) > 0 && !slices.ContainsFunc(refusal.Fields, func(field string) bool { return !slices.Contains(known.Fields, field) })) {
			continue
		}
		if len(refusal.Fields) > 0 {
			refusal.Fields = append(slices.Clone(known.Fields), refusal.Fields...)
		}
		r[key], news = refusal, true
	}
	return news
}
