package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/manifest"
)

// tree writes files into a new folder and makes it the working directory, so that
// errors have short names.
func tree(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func places(docs []manifest.Document) []string {
	found := []string{}
	for _, doc := range docs {
		found = append(found, doc.String())
	}
	return found
}

func TestReadFilesReadsAsKubectlDoes(t *testing.T) {
	one := withSpec("adapters: []")
	files := map[string]string{
		"dir/b.yaml": one, "dir/a.json": asJSON("1"), "dir/c.yml": one + "---\n" + one,
		"dir/README.md": "no set", "dir/sub/d.yaml": one, "set.txt": one,
	}
	for name, c := range map[string]struct {
		paths     []string
		recursive bool
		want      []string
	}{
		"a file of any name": {[]string{"set.txt"}, false, []string{"set.txt: document 1"}},
		"a directory": {[]string{"dir"}, false, []string{
			"dir/a.json: document 1", "dir/b.yaml: document 1", "dir/c.yml: document 1", "dir/c.yml: document 2",
		}},
		"a directory and those in it": {[]string{"dir/"}, true, []string{
			"dir/a.json: document 1", "dir/b.yaml: document 1", "dir/c.yml: document 1", "dir/c.yml: document 2",
			"dir/sub/d.yaml: document 1",
		}},
		"a link to a directory": {[]string{"link"}, false, []string{
			"link/a.json: document 1", "link/b.yaml: document 1", "link/c.yml: document 1", "link/c.yml: document 2",
		}},
		"standard input among others": {[]string{"set.txt", "-"}, false, []string{"set.txt: document 1", "stdin: document 1"}},
		"nothing":                     {nil, false, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			tree(t, files)
			if err := os.Symlink("dir", "link"); err != nil {
				t.Fatal(err)
			}
			docs, err := manifest.ReadFiles(c.paths, c.recursive, strings.NewReader(one))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, places(docs)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestReadFilesFollowsLinks reads a mounted ConfigMap: links to files in another
// directory.
func TestReadFilesFollowsLinks(t *testing.T) {
	tree(t, map[string]string{"mount/..data/set.yaml": withSpec("adapters: []")})
	if err := os.Symlink("..data/set.yaml", "mount/set.yaml"); err != nil {
		t.Fatal(err)
	}
	docs, err := manifest.ReadFiles([]string{"mount"}, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"mount/set.yaml: document 1"}, places(docs)); diff != "" {
		t.Error(diff)
	}
}

func TestReadFilesRefuses(t *testing.T) {
	files := map[string]string{
		"good.yaml": withSpec("adapters: []"), "empty.yaml": "", "typo/a.yaml": withSpec("adapters: [], x: 1"),
		"typo/b.yaml": withAdapter("type: nfs, port: 1, y: 1"), "none/README.md": "", "none/sub/good.yaml": withSpec("adapters: []"),
	}
	for name, c := range map[string]struct {
		paths []string
		want  string
	}{
		"a missing file":             {[]string{"good.yaml", "gone.yaml"}, "stat gone.yaml: no such file or directory"},
		"an empty file":              {[]string{"empty.yaml", "good.yaml"}, "no AdapterSet in empty.yaml: it is empty"},
		"an empty standard input":    {[]string{"-"}, "no AdapterSet in stdin: it is empty"},
		"standard input twice":       {[]string{"-", "-"}, "no AdapterSet in stdin: it is empty\n- is given twice, but can be read only once"},
		"a directory without a file": {[]string{"none"}, "no AdapterSet in none: it has no .yaml, .yml or .json file (sub-directories need -R)"},
		"all that is wrong in a directory": {
			[]string{"typo"},
			"typo/a.yaml: document 1: line 4: spec.x: unknown field\ntypo/b.yaml: document 1: line 4: spec.adapters[0].y: unknown field",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree(t, files)
			docs, err := manifest.ReadFiles(c.paths, false, strings.NewReader(""))
			if err == nil || docs != nil {
				t.Fatalf("got %v, %v", docs, err)
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckUnique(t *testing.T) {
	document := func(source, namespace, name, kind, target string) manifest.Document {
		doc := manifest.Document{Source: source, Number: 2}
		doc.Set.Namespace, doc.Set.Name = namespace, name
		doc.Set.Spec.TargetRef = v1alpha1.TargetRef{APIVersion: "apps/v1", Kind: kind, Name: target}
		return doc
	}
	first := document("a.yaml", "", "one", "StatefulSet", "dittofs")
	const (
		name   = "b.yaml: document 2: metadata.name: AdapterSet storage/one is in a.yaml: document 2 already"
		target = "b.yaml: document 2: spec.targetRef: StatefulSet storage/dittofs is in a.yaml: document 2 already"
	)
	for title, c := range map[string]struct {
		second manifest.Document
		want   string
	}{
		"one name":                         {document("b.yaml", "", "one", "StatefulSet", "other"), name},
		"one name by the default":          {document("b.yaml", "storage", "one", "StatefulSet", "other"), name},
		"one target":                       {document("b.yaml", "", "two", "StatefulSet", "dittofs"), target},
		"one target by the default":        {document("b.yaml", "storage", "two", "StatefulSet", "dittofs"), target},
		"one name and one target":          {document("b.yaml", "", "one", "StatefulSet", "dittofs"), name + "\n" + target},
		"another namespace":                {document("b.yaml", "other", "one", "StatefulSet", "dittofs"), ""},
		"a target of another kind":         {document("b.yaml", "", "two", "DaemonSet", "dittofs"), ""},
		"another name and another target":  {document("b.yaml", "", "two", "StatefulSet", "other"), ""},
		"the set's name as another target": {document("b.yaml", "", "dittofs", "StatefulSet", "one"), ""},
	} {
		t.Run(title, func(t *testing.T) {
			got := ""
			if err := manifest.CheckUnique([]manifest.Document{first, c.second}, "storage"); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
