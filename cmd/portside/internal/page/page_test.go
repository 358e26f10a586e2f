package page_test

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/history"
	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
	"github.com/portside-dev/portside/cmd/portside/internal/page"
)

var written = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// object returns an object of a YAML document, with managers "NAME/OPERATION[/SUBRESOURCE]"
// and their fields.
func object(t *testing.T, document string, managed ...string) page.Object {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(document), &o.Object); err != nil {
		t.Fatal(err)
	}
	var entries []metav1.ManagedFieldsEntry
	for i := 0; i < len(managed); i += 2 {
		parts := append(strings.Split(managed[i], "/"), "")
		wrote := metav1.NewTime(written.Add(-time.Hour))
		entries = append(entries, metav1.ManagedFieldsEntry{
			Manager: parts[0], Operation: metav1.ManagedFieldsOperationType(parts[1]), Subresource: parts[2],
			APIVersion: o.GetAPIVersion(), FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(managed[i+1]), Time: &wrote,
		})
	}
	o.SetManagedFields(entries)
	tree, err := ownership.Of(o)
	if err != nil {
		t.Fatal(err)
	}
	return page.Object{Tree: tree, Source: "a test", History: page.History{Absent: "none here"}}
}

// write returns the page of these objects.
func write(t *testing.T, objects ...page.Object) string {
	t.Helper()
	var text strings.Builder
	if err := (page.Page{Written: written, Version: "v0.1.0", Objects: objects}).Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

var (
	tags  = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)
	space = regexp.MustCompile(`[ \n]+`)
)

// textOf returns the text of a page on one line.
func textOf(document string) string {
	return strings.TrimSpace(space.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(document, " ")), " "))
}

// yamlOf returns the lines of the annotated YAML: the marks, the text and the owners.
func yamlOf(document string) string {
	_, body, _ := strings.Cut(document, `<table class="yaml">`)
	_, body, _ = strings.Cut(body, "<tbody>")
	body, _, _ = strings.Cut(body, "</tbody>")
	var lines []string
	for row := range strings.Lines(strings.TrimSpace(body)) {
		cells := strings.SplitN(row, "</td><td>", 2)
		names := regexp.MustCompile(`<span class="names`).Split(cells[1], 2)
		marks := strings.Join(strings.Fields(textOf(cells[0])), " ")
		line := fmt.Sprintf("%-4s%s", marks, strings.Trim(html.UnescapeString(tags.ReplaceAllString(names[0], "")), "\n"))
		if len(names) > 1 {
			line += "  <- " + textOf(`<span class="names`+names[1])
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n")
}

func expectIn(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s has no %q:\n%s", what, part, text)
		}
	}
}

const workload = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: files, namespace: storage, uid: u-1, generation: 4, resourceVersion: "77"}
spec:
  replicas: 3
  updateStrategy: {type: RollingUpdate}
  template:
    spec:
      containers:
      - name: files
        image: files:1
        args: [start, --quiet]
        ports:
        - {containerPort: 8080, protocol: TCP, name: api}
        - {containerPort: 12049, protocol: TCP, name: adapter-nfs}
        - {containerPort: 9090, protocol: TCP}
`

func ports(fields string) string {
	return `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"files\"}":` + fields + `}}}}}`
}

func statefulSet(t *testing.T) page.Object {
	return object(t, workload,
		"git/Apply", `{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"files\"}":{".":{},"f:name":{},"f:image":{},"f:args":{},`+
			`"f:ports":{"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:protocol":{},"f:name":{}}}}}}}}}`,
		"hpa/Update/scale", `{"f:spec":{"f:replicas":{}}}`,
		"portside/Apply", ports(`{".":{},"f:name":{},"f:ports":{"k:{\"containerPort\":12049,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:protocol":{},"f:name":{}}}}`),
		"edit/Update", ports(`{"f:ports":{"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{"f:hostPort":{}}}}`),
	)
}

func TestWrite(t *testing.T) {
	t.Parallel()
	o := statefulSet(t)
	document := write(t, o)
	expectIn(t, "the page", textOf(document),
		"Written 2026-05-04 12:00:00 UTC by portside v0.1.0.",
		"StatefulSet storage/files", "Generation 4 Resource version 77 UID u-1 Read from a test",
		"A edit Update 0 2026-05-04 11:00:00 UTC (60m ago)", "C hpa Update of scale 1", "D portside Apply 6",
		"Container files Port Number Owners api 8080/TCP B git only hostPort: A edit adapter-nfs 12049/TCP D portside (no name) 9090/TCP no owner",
		"History none here")
	const want = `    apiVersion: apps/v1
    kind: StatefulSet
    metadata:
      generation: 4
      name: files
      namespace: storage
      resourceVersion: "77"
      uid: u-1
    spec:
B C   replicas: 3  <- git (Apply), hpa (Update of scale)
      template:
        spec:
          containers:
B D       - # [name="files"]  <- git (Apply), portside (Apply)
B           args: # atomic  <- git (Apply)
B           - start
B           - --quiet
B           image: files:1
B D         name: files  <- git (Apply), portside (Apply)
            ports:
B           - # [containerPort=8080,protocol="TCP"]  <- git (Apply)
B             containerPort: 8080
B             name: api
B             protocol: TCP
A             # hostPort is not in the object  <- edit (Update)
D           - # [containerPort=12049,protocol="TCP"]  <- portside (Apply)
D             containerPort: 12049
D             name: adapter-nfs
D             protocol: TCP
            - # [containerPort=9090,protocol="TCP"]  <- no owner
              containerPort: 9090
              protocol: TCP
      updateStrategy:
        type: RollingUpdate`
	if got := yamlOf(document); got != want {
		t.Errorf("the fields are\n%s\nnot\n%s", got, want)
	}
	if again := write(t, statefulSet(t)); again != document {
		t.Error("the same object gives another page")
	}
}

// TestWrite_Copy: the text of the lines, without the marks, is the object.
func TestWrite_Copy(t *testing.T) {
	t.Parallel()
	o := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: \"x: y\", b: \"1\", 'c d': \"one\\n\\ttwo\\n\", f: \"  x\\ny\", g: \"\\n\", h: \"x\\n\\n\", e: \"#\"}\nlist: [{a: 1, b: [x]}, [1, 2], {}, [], null]\n")
	document := write(t, o)
	_, body, _ := strings.Cut(document, `<table class="yaml">`)
	_, body, _ = strings.Cut(body, "<tbody>")
	var lines []string
	for _, code := range regexp.MustCompile(`<code[^>]*>(.*?)</code>`).FindAllStringSubmatch(body, -1) {
		lines = append(lines, html.UnescapeString(tags.ReplaceAllString(code[1], "")))
	}
	var copied map[string]any
	text := strings.Join(lines, "\n")
	if err := yaml.Unmarshal([]byte(text), &copied); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got, want := fmt.Sprint(copied), fmt.Sprint(o.Root.Value); got != want {
		t.Errorf("the copy is %s\nnot %s\n%s", got, want, text)
	}
}

func TestWrite_Service(t *testing.T) {
	t.Parallel()
	o := object(t, `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: n}, spec: {ports: [{name: nfs, port: 2049, protocol: TCP, targetPort: adapter-nfs, nodePort: 32049}]}}`,
		"git/Apply", `{"f:spec":{"f:ports":{"k:{\"port\":2049,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}`,
		"portside/Apply", `{"f:spec":{"f:ports":{"k:{\"port\":2049,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:targetPort":{}}}}}`)
	at := metav1.NewTime(written.Add(-10 * time.Minute))
	o.History = page.History{Changes: []history.Change{{
		Time: &at, Managers: []string{"portside"}, Certain: true, Because: "recorded in an Event",
		Ports: []v1alpha1.ChangedPort{{Name: "nfs", Port: 2049, Protocol: "TCP", Change: v1alpha1.PortChanged}},
	}}}
	expectIn(t, "the page", textOf(write(t, o)),
		"Ports of the Service Port Number Owners nfs 2049/TCP target port adapter-nfs node port 32049 A git B portside",
		"Ports of the Service 2026-05-04 11:50:00 UTC (10m ago) by B portside (recorded in an Event) ~ changed nfs 2049/TCP No pod restarts")
}

func TestWrite_Timeline(t *testing.T) {
	t.Parallel()
	port := func(name string, number int32) []corev1.ContainerPort {
		return []corev1.ContainerPort{{Name: name, ContainerPort: number, Protocol: "TCP"}}
	}
	at := metav1.NewTime(written.Add(-2 * time.Hour))
	changes := []history.Change{
		{Revision: 1, Name: "files-1", Time: &at, Whole: true, Earliest: true, Containers: []history.ContainerChange{{Container: "files", Added: port("api", 8080)}}},
		{Revision: 2, Name: "files-2", Time: &at, Containers: []history.ContainerChange{{Container: "files", Added: port("adapter-nfs", 12049), Removed: port("nfs", 2049)}}, Managers: []string{"portside"}, Certain: true, Because: "recorded in an Event"},
		{Revision: 3, Name: "files-3", Time: &at, Because: "managedFields do not show this change"},
		{Revision: 6, Name: "files-6", Since: 3, Containers: []history.ContainerChange{{Container: "files", Added: port("web", 80)}}, Because: "revisions 4 to 5 are not kept"},
		{Containers: []history.ContainerChange{{Container: "files"}}, Managers: []string{"gone"}},
	}
	o := statefulSet(t)
	o.History = page.History{Changes: changes, Notes: []string{"Events may be missing"}}
	text := textOf(write(t, o))
	expectIn(t, "the page", text,
		"At least 3 rollouts since the oldest revision kept; 2 of them changed ports.", "Events may be missing",
		"Revision 1 files-1 2026-05-04 10:00:00 UTC (120m ago) The oldest revision that the cluster keeps, with all its ports. · declared api 8080/TCP in files",
		"Revision 2 files-2 2026-05-04 10:00:00 UTC (120m ago) by D portside (recorded in an Event) − removed nfs 2049/TCP in files + added adapter-nfs 12049/TCP in files The rollout restarts every pod.",
		"by unknown (managedFields do not show this change) No port changed: another part of the pod template did. The rollout restarts every pod.",
		"Revision 6 files-6 time unknown by unknown (revisions 4 to 5 are not kept) Compared with revision 3: revisions 4 to 5 are not kept.",
		"No revision yet time unknown by gone and others The order of the ports changed. The controller has not begun a rollout")

	o = object(t, strings.Replace(workload, "type: RollingUpdate", "type: OnDelete", 1))
	o.History = page.History{Changes: changes}
	expectIn(t, "the page", textOf(write(t, o)), "Each pod takes the new template when it is deleted (OnDelete).")
	o = object(t, strings.Replace(workload, "type: RollingUpdate", "rollingUpdate: {partition: 2}", 1))
	o.History = page.History{Changes: changes}
	expectIn(t, "the page", textOf(write(t, o)), "The rollout restarts the pods from ordinal 2 on (partition).")
}

// TestWrite_Defaults: a list that the API server filled in has no owner, which is no warning.
func TestWrite_Defaults(t *testing.T) {
	t.Parallel()
	document := write(t, object(t, "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {clusterIPs: [None]}}", "git/Apply", `{"f:spec":{}}`))
	if strings.Contains(document, "no owner<") {
		t.Errorf("the page warns of a default:\n%s", yamlOf(document))
	}
}

// TestWrite_Objects: a manager has one mark on the whole page.
func TestWrite_Objects(t *testing.T) {
	t.Parallel()
	first := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {k: v}}", "zulu/Apply", `{"f:data":{"f:k":{}}}`)
	second := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: two}, data: {k: v}}", "alpha/Apply", `{"f:data":{}}`, "zulu/Apply", `{"f:data":{"f:k":{}}}`)
	document := write(t, first, second)
	expectIn(t, "the page", document, "<title>Owners of 2 objects</title>", `href="#object-1"`, `id="object-1"`, `href="#object-2"`, `id="object-2"`)
	expectIn(t, "the page", textOf(document), "ConfigMap one API version v1 Read from a test Managers", "B zulu Apply 1", "A alpha Apply 1")
	for _, o := range []page.Object{first, second} {
		if strings.Contains(write(t, o), "<nav") {
			t.Error("a page with one object has a list of objects")
		}
	}
}

func TestWrite_ManyManagers(t *testing.T) {
	t.Parallel()
	var managed []string
	for i := range 30 {
		managed = append(managed, fmt.Sprintf("m%02d/Apply", i), `{"f:data":{"f:k":{}}}`)
	}
	text := textOf(write(t, object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {k: v}}", managed...)))
	expectIn(t, "the page", text, "A m00", "Z m25", "AA m26", "AD m29")
}
