package fieldmanager_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"

	"github.com/portside-dev/portside/fieldmanager"
)

func TestValidateName(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		name string
		// want is part of the error; empty is a valid name.
		want string
	}{
		"the default":               {"portside", ""},
		"one byte":                  {"p", ""},
		"128 bytes":                 {strings.Repeat("p", 128), ""},
		"129 bytes":                 {strings.Repeat("p", 129), "Too long"},
		"128 bytes in unicode":      {strings.Repeat("é", 64), ""},
		"130 bytes in 65 runes":     {strings.Repeat("é", 65), "Too long"},
		"unicode":                   {"端口-ø", ""},
		"blanks, slashes, quotes":   {`a b/c:"d"\`, ""},
		"empty":                     {"", "is empty"},
		"a tab":                     {"port\tside", "invalid character U+0009"},
		"a newline":                 {"portside\n", "invalid character U+000A"},
		"NUL":                       {"\x00", "invalid character U+0000"},
		"a zero-width space":        {"port\u200bside", "invalid character U+200B"},
		"a no-break space":          {"port\u00a0side", "invalid character U+00A0"},
		"the server's own":          {"before-first-apply", "API server's own"},
		"begins like the server's":  {"before-first-apply-2", ""},
		"kubectl":                   {"kubectl", "Flux"},
		"kubectl's client side":     {"kubectl-client-side-apply", "Flux"},
		"begins with kubectl":       {"kubectlish", "Flux"},
		"kubectl, not at the start": {"my-kubectl", ""},
		"kubectl in upper case":     {"Kubectl", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := fieldmanager.ValidateName(test.name)
			if test.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				if errs := validation.ValidateFieldManager(test.name, nil); len(errs) > 0 {
					t.Errorf("the API server refuses it: %v", errs)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want an error with %q", err, test.want)
			}
			if strings.ContainsAny(err.Error(), "\n\t\x00") || len(err.Error()) > 300 {
				t.Errorf("the error is not fit to print: %q", err)
			}
		})
	}
}

func TestManagers(t *testing.T) {
	t.Parallel()
	scale := fieldmanager.Manager{Name: "portside", Operation: metav1.ManagedFieldsOperationApply, Subresource: "scale"}
	managers := []fieldmanager.Manager{fieldmanager.Updater("portside"), scale, operator, fieldmanager.Applier("portside"), argocd}
	slices.SortFunc(managers, fieldmanager.Manager.Compare)
	var got []string
	for _, m := range managers {
		got = append(got, m.String())
	}
	same(t, "sorted by name, operation, subresource", got, []string{
		"argocd-controller (Apply)", "dittofs-operator (Update)", "portside (Apply)", "portside (Apply of scale)", "portside (Update)",
	})
	same(t, "names, each once", fieldmanager.Names(managers), []string{"argocd-controller", "dittofs-operator", "portside"})
	same(t, "names of no manager", fieldmanager.Names(nil), []string{})

	for _, test := range []struct {
		manager fieldmanager.Manager
		want    string
	}{
		{portside, `{"manager":"portside","operation":"Apply"}`},
		{scale, `{"manager":"portside","operation":"Apply","subresource":"scale"}`},
	} {
		raw, err := json.Marshal(test.manager)
		if err != nil || string(raw) != test.want {
			t.Errorf("as JSON: %s (error %v), want %s", raw, err, test.want)
		}
	}
}
