package page_test

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/history"
	"github.com/portside-dev/portside/cmd/portside/internal/page"
)

const attack = `"'></code></style><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}`

// TestWrite_Hostile: HTML in every text of an object stays text.
func TestWrite_Hostile(t *testing.T) {
	t.Parallel()
	o := object(t, fmt.Sprintf("apiVersion: v1\nkind: %[1]q\nmetadata: {name: %[1]q, namespace: %[1]q, uid: %[1]q, generation: %[1]q}\ndata: {%[1]q: %[1]q}\n"+
		"spec: {template: {spec: {containers: [{name: %[1]q, ports: [{name: %[1]q, containerPort: %[1]q, protocol: %[1]q}]}]}}}\nlong: %[2]q\n", attack, attack+"\n"+attack),
		attack+"x/Apply/"+attack, `{"f:data":{}}`)
	o.Source = attack
	o.History = page.History{Notes: []string{attack}, Changes: []history.Change{{
		Revision: 1, Name: attack, Because: attack, Managers: []string{attack}, Containers: []history.ContainerChange{{Container: attack}},
	}}}
	absent := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
	absent.History.Absent = attack
	document := write(t, o, absent)
	if found := regexp.MustCompile(`(?i)<(script|img|link|iframe|object|embed|base|form|svg)|javascript:`).FindString(document); found != "" {
		t.Errorf("the page has %q", found)
	}
	if n := strings.Count(document, "<style"); n != 1 {
		t.Errorf("the page has %d style sheets", n)
	}
	if found := regexp.MustCompile(`https?://|url\(|@import`).FindString(document); found != "" {
		t.Errorf("the page refers to %q", found)
	}
	if !strings.Contains(document, `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">`) {
		t.Error("the page has no Content-Security-Policy")
	}
}

// TestWrite_Disguise: characters that change what a reader sees are written as escapes.
func TestWrite_Disguise(t *testing.T) {
	t.Parallel()
	o := object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {"a\u202eb": "x\u202ey\u0007", "lines": "one\nt\u2066wo\n"}}`, "m\u202ex/Apply", `{"f:data":{}}`)
	document := write(t, o)
	for _, r := range "\u202e\u2066\u0007" {
		if strings.ContainsRune(document, r) {
			t.Errorf("the page has %U", r)
		}
	}
	expectIn(t, "the page", textOf(document), `m\u202ex`, `a\u202eb`, `t\u2066wo`)
}

func TestWrite_Long(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	o := object(t, fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {long: %q, lines: %q, wide: %q, %q: v}}",
		long, strings.Repeat("line\n", 5000), "short\n"+long, long[:1000]))
	document := write(t, o)
	if len(document) > 40_000 {
		t.Errorf("the page has %d bytes", len(document))
	}
	expectIn(t, "the page", textOf(document), "… (truncated: 100000 bytes)", "… (truncated: 5000 lines, 25000 bytes)")
}

func TestWrite_ManyFields(t *testing.T) {
	t.Parallel()
	var data, fields strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&data, "  key-%04d: value\n", i)
		fmt.Fprintf(&fields, `,"f:key-%04d":{}`, i)
	}
	o := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n"+data.String(), "git/Apply", `{"f:data":{".":{}`+fields.String()+`}}`)
	document := write(t, o)
	expectIn(t, "the fields", yamlOf(document), "A     key-0000: value", "A     key-1999: value")
	if len(document) > 1_000_000 {
		t.Errorf("the page has %d bytes", len(document))
	}
}

// TestWrite_Secret: no value of a Secret is in the page, whatever its fields are.
func TestWrite_Secret(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2"
	encoded := base64.StdEncoding.EncodeToString([]byte(secret))
	for name, document := range map[string]string{
		"data":        `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {password: ` + encoded + `}}`,
		"stringData":  `{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: ` + secret + `}}`,
		"annotations": `{apiVersion: v1, kind: Secret, metadata: {name: s, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"data":{"password":"` + encoded + `"}}'}}}`,
		"a list":      `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {password: [` + secret + `, {deep: ` + secret + `}]}}`,
		"no map":      `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: ` + secret + `}`,
		"lines":       `{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: "one\n` + secret + `\n"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := write(t, object(t, document, "git/Apply", `{"f:data":{".":{},"f:password":{}}}`))
			for _, value := range []string{secret, encoded} {
				if strings.Contains(text, value) {
					t.Errorf("the page has the value")
				}
			}
			expectIn(t, "the page", textOf(text), "bytes, not shown")
			if name == "data" {
				expectIn(t, "the page", textOf(text), "A password: 15 bytes, not shown")
			}
		})
	}
	public := write(t, object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {password: `+secret+`}}`))
	expectIn(t, "the page of a ConfigMap", textOf(public), secret)
}
