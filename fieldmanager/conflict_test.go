package fieldmanager_test

import (
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/portside-dev/portside/fieldmanager"
)

// The API server's own code words these conflicts.
func TestConflictsOfTheMachinery(t *testing.T) {
	t.Parallel()
	const name2049 = `.spec.template.spec.containers[name="web"].ports[containerPort=2049,protocol="TCP"].name`
	for name, owner := range map[string]fieldmanager.Manager{
		"an applier":                         argocd,
		"an updater":                         operator,
		"an updater of a subresource":        {Name: "hpa", Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "scale"},
		"an applier of a subresource":        {Name: "hpa", Operation: metav1.ManagedFieldsOperationApply, Subresource: "scale"},
		"a name with quotes":                 fieldmanager.Applier(`the "new" one`),
		"a name with backslashes":            fieldmanager.Updater(`C:\portside\`),
		"a name that ends in a quote":        fieldmanager.Updater(`\"`),
		"a name with blanks":                 fieldmanager.Applier("my manager"),
		"a name in unicode":                  fieldmanager.Updater("管理者-é"),
		"a name that reads like the wording": fieldmanager.Applier(`a" using apps/v1`),
		"a name that reads like another":     fieldmanager.Applier(`a" with subresource "status`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachinery(t)
			m.live = m.object(webWith + staticNFS)
			m.live.SetManagedFields([]metav1.ManagedFieldsEntry{entry(owner, portsOfWeb(item2049+threeOf))})
			err := m.apply("portside", webWith+"        ports: [{name: adapter-nfs, containerPort: 2049, protocol: TCP}]\n", false)
			got := fieldmanager.Conflicts(err)
			if got == nil {
				t.Fatalf("no conflict in %v", err)
			}
			same(t, "conflicts", got.Conflicts, []fieldmanager.Conflict{{Manager: owner, Path: name2049}})
			if !got.Conflicts[0].Within(ports.Item(port(2049))) {
				t.Error("the conflict is not within its port")
			}
			if !errors.Is(got, err) || !apierrors.IsConflict(got) {
				t.Error("the conflict does not unwrap to the API error")
			}
		})
	}
}

func TestConflictsOfTheMachineryAreSortedAndAllThere(t *testing.T) {
	t.Parallel()
	m := newMachinery(t)
	m.live = m.object(webWith + "        image: nginx\n        ports: [{name: nfs, containerPort: 2049, protocol: TCP}]\n        env: [{name: MODE, value: fast}]\n")
	m.live.SetManagedFields([]metav1.ManagedFieldsEntry{
		entry(portside, inWeb(`"f:env":{"k:{\"name\":\"MODE\"}":{".":{},"f:name":{},"f:value":{}}},"f:ports":{`+item2049+threeOf+`}`)),
		entry(operator, inWeb(`"f:image":{},"f:ports":{`+item2049+threeOf+`}`)),
		entry(argocd, inWeb(`"f:image":{}`)),
	})
	err := m.apply("other", webWith+"        image: httpd\n        ports: [{name: other, containerPort: 2049, protocol: TCP}]\n        env: [{name: MODE, value: slow}]\n", false)
	got := fieldmanager.Conflicts(fmt.Errorf("apply Deployment web: %w", err))
	if got == nil {
		t.Fatalf("no conflict in %v", err)
	}
	const web = `.spec.template.spec.containers[name="web"]`
	same(t, "conflicts", got.Conflicts, []fieldmanager.Conflict{
		{Manager: portside, Path: web + `.env[name="MODE"].value`},
		{Manager: argocd, Path: web + `.image`},
		{Manager: operator, Path: web + `.image`},
		{Manager: operator, Path: web + `.ports[containerPort=2049,protocol="TCP"].name`},
		{Manager: portside, Path: web + `.ports[containerPort=2049,protocol="TCP"].name`},
	})
	same(t, "text", got.Error(), `apply conflict: `+
		web+`.env[name="MODE"].value is owned by portside (Apply); `+
		web+`.image is owned by argocd-controller (Apply); `+
		web+`.image is owned by dittofs-operator (Update); `+
		web+`.ports[containerPort=2049,protocol="TCP"].name is owned by dittofs-operator (Update); `+
		web+`.ports[containerPort=2049,protocol="TCP"].name is owned by portside (Apply)`)
}

func refused(messages ...string) *apierrors.StatusError {
	causes := make([]metav1.StatusCause, 0, len(messages))
	for _, message := range messages {
		causes = append(causes, metav1.StatusCause{Type: metav1.CauseTypeFieldManagerConflict, Field: ".spec.replicas", Message: message})
	}
	return apierrors.NewApplyConflict(causes, "Apply failed")
}

// Wordings that the machinery of this version does not produce, or not here.
func TestConflictMessages(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]fieldmanager.Manager{
		`conflict with "foo"`:                                                                fieldmanager.Applier("foo"),
		`conflict with "foo" using apps/v1`:                                                  fieldmanager.Updater("foo"),
		`conflict with "foo" using apps/v1 at 2001-02-03T04:05:06Z`:                          fieldmanager.Updater("foo"),
		`conflict with "foo" with subresource "scale"`:                                       {Name: "foo", Operation: metav1.ManagedFieldsOperationApply, Subresource: "scale"},
		`conflict with "foo" with subresource "scale" using apps/v1 at 2001-02-03T04:05:06Z`: {Name: "foo", Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "scale"},
		`conflict with "foo" using `:                                                         fieldmanager.Updater("foo"),
		`conflict with "tab\tand \u200b"`:                                                    fieldmanager.Applier("tab\tand \u200b"),
		`conflict with ""`:                                                                   fieldmanager.Applier(""),
		`conflict with foo`:                                                                  {Name: `conflict with foo`},
		`conflict with "foo`:                                                                 {Name: `conflict with "foo`},
		`conflict with "foo" by hand`:                                                        {Name: `conflict with "foo" by hand`},
		``:                                                                                   {},
	} {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			got := fieldmanager.Conflicts(refused(message))
			if got == nil {
				t.Fatal("no conflict")
			}
			same(t, "conflicts", got.Conflicts, []fieldmanager.Conflict{{Manager: want, Path: ".spec.replicas"}})
		})
	}
}

func TestConflictsAreThereOnce(t *testing.T) {
	t.Parallel()
	got := fieldmanager.Conflicts(refused(
		`conflict with "b" using apps/v1 at 2001-02-03T04:05:06Z`, `conflict with "a"`,
		`conflict with "b" using apps/v1beta2`, `conflict with "b"`,
	))
	same(t, "conflicts", got.Conflicts, []fieldmanager.Conflict{
		{Manager: fieldmanager.Applier("a"), Path: ".spec.replicas"},
		{Manager: fieldmanager.Applier("b"), Path: ".spec.replicas"},
		{Manager: fieldmanager.Updater("b"), Path: ".spec.replicas"},
	})
}

func TestOtherErrorsAreNoConflicts(t *testing.T) {
	t.Parallel()
	deployments := schema.GroupResource{Group: "apps", Resource: "deployments"}
	for name, err := range map[string]error{
		"nil":                           nil,
		"an error of something else":    errors.New(`conflict with "foo"`),
		"optimistic locking":            apierrors.NewConflict(deployments, "web", errors.New("the object has been modified; please apply your changes to the latest version and try again")),
		"a uid mismatch":                apierrors.NewConflict(deployments, "web", errors.New("uid mismatch: the provided object specified uid 1, and no existing object was found")),
		"not found":                     apierrors.NewNotFound(deployments, "web"),
		"causes of another kind":        apierrors.NewApplyConflict([]metav1.StatusCause{{Type: metav1.CauseTypeUnexpectedServerResponse, Message: `conflict with "foo"`}}, ""),
		"a status without details":      &apierrors.StatusError{ErrStatus: metav1.Status{Code: 409, Reason: metav1.StatusReasonConflict}},
		"a wrapped optimistic lock":     fmt.Errorf("update: %w", apierrors.NewConflict(deployments, "web", errors.New("modified"))),
		"an apply conflict without any": refused(),
		"a conflict, in text only (%v)": fmt.Errorf("apply: %v", refused(`conflict with "foo"`)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fieldmanager.Conflicts(err); got != nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestConflictErrorCanBeFoundAndUnwrapped(t *testing.T) {
	t.Parallel()
	cause := refused(`conflict with "foo"`)
	var err error = fmt.Errorf("target web: %w", fieldmanager.Conflicts(fmt.Errorf("apply: %w", cause)))

	var conflict *fieldmanager.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 {
		t.Errorf("errors.As does not find the conflict in %v", err)
	}
	var status *apierrors.StatusError
	if !errors.As(err, &status) || status != cause {
		t.Errorf("errors.As does not find the API error in %v", err)
	}
	if again := fieldmanager.Conflicts(err); again == nil || again.Error() != conflict.Error() {
		t.Errorf("Conflicts of a ConflictError is %v", again)
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	item := ports.Item(port(1204))
	field := fieldmanager.PathTo("metadata", "labels", "app")
	for name, test := range map[string]struct {
		conflict string
		path     fieldmanager.Path
		want     bool
	}{
		"the field itself":            {`.metadata.labels.app`, field, true},
		"a field with a longer name":  {`.metadata.labels.appX`, field, false},
		"a field above":               {`.metadata.labels`, field, false},
		"a field below":               {`.metadata.labels.app.of`, field, true},
		"an item below":               {`.metadata.labels.app[0]`, field, true},
		"a value of a set below":      {`.metadata.labels.app[="x"]`, field, true},
		"the item itself":             {`.spec.template.spec.containers[name="web"].ports[containerPort=1204,protocol="TCP"]`, item, true},
		"a leaf of the item":          {`.spec.template.spec.containers[name="web"].ports[containerPort=1204,protocol="TCP"].name`, item, true},
		"a longer number":             {`.spec.template.spec.containers[name="web"].ports[containerPort=12049,protocol="TCP"].name`, item, false},
		"another protocol":            {`.spec.template.spec.containers[name="web"].ports[containerPort=1204,protocol="UDP"].name`, item, false},
		"another container":           {`.spec.template.spec.containers[name="webX"].ports[containerPort=1204,protocol="TCP"].name`, item, false},
		"the same further down":       {`.x.spec.template.spec.containers[name="web"].ports[containerPort=1204,protocol="TCP"]`, item, false},
		"anything, below the root":    {`.spec`, fieldmanager.Path{}, true},
		"nothing, below a field":      {``, field, false},
		"a name that ends in a quote": {`.env[name="a\""].value`, fieldmanager.PathTo("env", fieldmanager.KeyOf("name", `a"`)), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (fieldmanager.Conflict{Path: test.conflict}).Within(test.path); got != test.want {
				t.Errorf("%s within %s: %t", test.conflict, test.path, got)
			}
		})
	}
}
