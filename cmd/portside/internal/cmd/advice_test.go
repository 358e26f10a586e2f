package cmd_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/portside-dev/portside/cmd/portside/internal/cmd"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/pages"
)

// root is the folder of the module.
const root = "../../../.."

// adviceIn matches a command that a text advises: after "run" or in backquotes, up
// to a pipe, the end of the sentence or the closing backquote.
var adviceIn = regexp.MustCompile("(?m)(?:\\brun:? |`)(portside|kubectl)((?: (?:'[^'\n]*'|\\\\'|[^\\s'|;,()`])+)+)")

// advised returns the commands of a program that a text advises.
func advised(program, text string) []string {
	var all []string
	for _, match := range adviceIn.FindAllStringSubmatch(text, -1) {
		if match[1] == program {
			advice, _, _ := strings.Cut(match[2], ": ")
			all = append(all, strings.TrimRight(advice, ".:"))
		}
	}
	return all
}

// words splits a command as a shell does. It knows single quotes and backslashes.
func words(command string) []string {
	var all []string
	for _, match := range regexp.MustCompile(`(?:'[^']*'|\\.|[^\s'\\])+`).FindAllString(command, -1) {
		all = append(all, regexp.MustCompile(`'([^']*)'|\\(.)`).ReplaceAllString(match, "$1$2"))
	}
	return all
}

// parse has the real command line parser read a command of portside.
func parse(args []string) (*cobra.Command, error) {
	program := cmd.New(genericiooptions.IOStreams{Out: &bytes.Buffer{}, ErrOut: &bytes.Buffer{}}, "v0.0.0-test")
	cmd, rest, err := program.Find(args)
	switch {
	case err != nil:
		return nil, err
	case cmd == program:
		return nil, fmt.Errorf("unknown command %q", args)
	case args[0] != cmd.Name():
		return nil, fmt.Errorf("%q is not the name of the command %s", args[0], cmd.Name())
	}
	return cmd, cmd.ParseFlags(rest)
}

// placeholders stand for what the user fills in.
var placeholders = strings.NewReplacer("KIND/NAME", "statefulset/x", "IMAGE", "x", "NAMESPACE", "x", "MANAGER", "x")

// checkAdvice fails the test if a text advises a command of portside that does not
// exist, or has unknown flags or wrong arguments.
func checkAdvice(t *testing.T, text string) {
	t.Helper()
	for _, advice := range advised("portside", placeholders.Replace(text)) {
		cmd, err := parse(words(advice))
		if err == nil {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err != nil {
			t.Errorf("portside%s: %v", advice, err)
		}
	}
}

// literals returns the string literals of the Go files of a folder, those of tests
// left out, by position. What a format fills in is x.
func literals(t *testing.T, folder string) map[string]string {
	t.Helper()
	verb := regexp.MustCompile(`(\w?)%(?:\[\d\])?[svqd]`)
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if literal, is := node.(*ast.BasicLit); is && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Error(err)
				}
				text = verb.ReplaceAllStringFunc(text, func(match string) string {
					if match[0] == '%' {
						return "x"
					}
					return match[:1] // flags that follow a word
				})
				all[files.Position(literal.Pos()).String()] = text
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestAdvice_Literals: every command that a message of portside or of its library
// advises exists, with its flags.
func TestAdvice_Literals(t *testing.T) {
	t.Parallel()
	found := map[string]int{}
	for _, folder := range []string{"cmd", "apply", "fieldmanager"} {
		for position, text := range literals(t, folder) {
			if strings.HasPrefix(text, "portside install ") || strings.HasPrefix(text, "portside check ") {
				text = "run " + text // the rest of the advice is put together elsewhere
			}
			for _, advice := range advised("portside", text) {
				found[words(advice)[0]]++
				t.Run(filepath.Base(position), func(t *testing.T) { checkAdvice(t, "run portside"+advice) })
			}
		}
	}
	for _, verb := range []string{"install", "check", "release"} {
		if found[verb] == 0 {
			t.Errorf("no advice to run portside %s was found", verb)
		}
	}
}

// TestAdvice_Documents: the commands in the documents, manifests, policies and
// alerts that users read exist, with their flags.
func TestAdvice_Documents(t *testing.T) {
	t.Parallel()
	line, quoted := regexp.MustCompile(`(?m)^(?:\$ )?(portside [a-z].*)$`), regexp.MustCompile("`portside [^`]*`")
	found := 0
	paths, err := pages.All()
	if err != nil {
		t.Fatal(err)
	}
	for i, page := range paths {
		paths[i] = filepath.Join(root, page)
	}
	for _, pattern := range []string{"examples/*/*.sh", "examples/*/*.yaml", "examples/*/*/*.yaml", "examples/chart/templates/*"} {
		matches, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, matches...)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(content), "\\\n", " ")
		shown := quoted.FindAllString(text, -1)
		for _, match := range line.FindAllStringSubmatch(blocksOf(path, text), -1) {
			shown = append(shown, "run "+match[1])
		}
		for _, advice := range advised("portside", strings.Join(shown, "\n")) {
			found++
			if _, err := parse(words(advice)); err != nil {
				t.Errorf("%s: portside%s: %v", path, advice, err)
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d commands were found", found)
	}
}

// blocksOf returns what is shown as code: the code blocks of a document, the whole
// of a script, and nothing of other files.
func blocksOf(path, text string) string {
	switch filepath.Ext(path) {
	case ".md":
		return strings.Join(regexp.MustCompile("(?ms)^```\\w*\n(.*?)^```$").FindAllString(text, -1), "\n")
	case ".sh":
		return text
	}
	return ""
}

// TestAdvice_Help: the examples in the help texts are commands, with their flags.
func TestAdvice_Help(t *testing.T) {
	t.Parallel()
	program := cmd.New(genericiooptions.IOStreams{}, "v0.0.0-test")
	for _, cmd := range program.Commands() {
		example := strings.ReplaceAll(cmd.Example, "\\\n", " ")
		for _, shown := range regexp.MustCompile(`\bportside [a-z][^|>)\n]*`).FindAllString(example, -1) {
			if _, err := parse(words(shown)[1:]); err != nil {
				t.Errorf("%s: %v", shown, err)
			}
		}
		checkAdvice(t, cmd.Long)
	}
}

// ofAPIServer are flags of kube-apiserver that messages name.
var ofAPIServer = []string{"feature-gates", "runtime-config"}

// TestAdvice_Flags: every flag that a message names is one of portside's, of kube-apiserver
// or, in a command of kubectl's, of kubectl's.
func TestAdvice_Flags(t *testing.T) {
	t.Parallel()
	program := cmd.New(genericiooptions.IOStreams{}, "v0.0.0-test")
	known := func(name string) bool {
		return program.PersistentFlags().Lookup(name) != nil || slices.ContainsFunc(program.Commands(), func(cmd *cobra.Command) bool {
			return cmd.Flags().Lookup(name) != nil
		})
	}
	flag := regexp.MustCompile(`--([a-z][a-z-]+)`)
	kubectl := regexp.MustCompile(`kubectl [^;]*`)
	for position, text := range literals(t, "cmd") {
		for _, match := range flag.FindAllStringSubmatch(kubectl.ReplaceAllString(text, ""), -1) {
			if !known(match[1]) && !slices.Contains(ofAPIServer, match[1]) {
				t.Errorf("%s: --%s is a flag of no command", position, match[1])
			}
		}
	}
}

// TestAdvice_InstallationFlags: the flags of an installation, which are put
// together, are those of portside install and portside check.
func TestAdvice_InstallationFlags(t *testing.T) {
	t.Parallel()
	all := install.Options{Namespace: "ops", FieldManager: "files", WatchNamespace: "storage", DiscoveryNamespaces: []string{"storage"}, ExcludeNamespaces: []string{}}
	without := all
	without.WithoutPolicies = true
	for _, options := range []install.Options{all, without} {
		checkAdvice(t, "run portside install --image x"+options.Flags()+" | kubectl apply --server-side -f -")
		checkAdvice(t, "run: portside check"+options.Flags())
	}
	old := install.Options{}
	var err error
	if old.KubeVersion, err = install.ParseKubeVersion("1.29"); err != nil {
		t.Fatal(err)
	}
	checkAdvice(t, "run: portside install --image x"+old.Flags())
	for _, loss := range old.Losses() {
		checkAdvice(t, loss)
	}
}

// TestAdvice_Kubectl: kubectl knows the commands and the flags that portside
// advises. They are about objects that do not exist.
func TestAdvice_Kubectl(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	advice := map[string]bool{}
	for _, folder := range []string{"cmd", "apply"} {
		for _, text := range literals(t, folder) {
			for _, command := range advised("kubectl", strings.ReplaceAll(text, "| kubectl", "; run kubectl")) {
				advice[command] = true
			}
		}
	}
	if len(advice) < 5 {
		t.Errorf("only %d commands were found: %v", len(advice), advice)
	}
	unknown := regexp.MustCompile(`unknown (shorthand )?(flag|command)|Usage:`)
	for command := range advice {
		args := words(strings.ReplaceAll(command, "NAMESPACE", "default"))
		if args[0] == "create" {
			args = append(args, "--dry-run=server")
		}
		if _, err := cp.Kubectl(t.Context(), "", "", args...); err != nil && unknown.MatchString(err.Error()) {
			t.Errorf("kubectl%s: %v", command, err)
		}
	}
}

// TestAdvice_Runs runs the command that a message advises, as it is printed. It
// names the namespace, the container and the field manager.
func TestAdvice_Runs(t *testing.T) {
	t.Parallel()
	const held = `[{name: api, containerPort: 8080, protocol: TCP}, {name: adapter-nfs, containerPort: 2049, protocol: TCP}]`
	const shared = `[{name: api, containerPort: 8080, protocol: TCP}, {name: adapter-nfs, containerPort: 12049, protocol: TCP}]`
	const nfs = "[{type: nfs, port: 12049}]"
	sync := []string{"sync", "-f", "-"}
	for name, test := range map[string]struct {
		happens  func(c *cluster)
		adapters string
		args     []string // that print the advice
		code     int
		want     string // words of the advice
	}{
		"the name is taken": {
			func(c *cluster) {
				c.argo(apiPort)
				c.updates(testenv.DittoFSOperator, "StatefulSet", "dittofs", held)
			}, nfs, sync, 2, "adopt -n NAMESPACE statefulset/dittofs -c dittofs --from dittofs-operator --field-manager files"},
		"two ports have one key": {
			func(c *cluster) {
				c.argo(staticNFS)
				c.updates(testenv.DittoFSOperator, "StatefulSet", "dittofs", oneKeyTwice)
			}, nfs, sync, 2, "adopt -n NAMESPACE statefulset/dittofs -c dittofs --from dittofs-operator --field-manager files"},
		"a manager applies the port, too": {
			func(c *cluster) { c.argo(shared) }, nfs, sync, 0,
			"release -n NAMESPACE statefulset/dittofs --keep-ports --field-manager files"},
		"a manager has written the port, too": {
			func(c *cluster) {
				c.argo(apiPort)
				c.updates(testenv.DittoFSOperator, "StatefulSet", "dittofs", shared)
			}, nfs, sync, 0, "adopt -n NAMESPACE statefulset/dittofs -c dittofs --from dittofs-operator --field-manager files"},
		"managedFields were emptied": {
			func(c *cluster) {
				c.argo(shared)
				c.emptyManagedFields()
			}, nfs, sync, 0, "adopt -n NAMESPACE statefulset/dittofs -c dittofs --from before-first-apply --field-manager files"},
		"a manager that no longer applies": {
			func(c *cluster) { c.argo(shared) }, nfs,
			[]string{"adopt", "sts/dittofs", "-c", "dittofs", "--from", testenv.ArgoCD}, 2,
			"adopt -n NAMESPACE statefulset/dittofs -c dittofs --from argocd-controller --manager-is-gone --field-manager files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, testenv.Shared(t))
			test.happens(c)
			set := strings.Replace(adapterSet(test.adapters), "spec:\n", "spec:\n  container: dittofs\n", 1)
			a := c.must(test.code, c.runWith(set, append(test.args, "--field-manager", "files")...))
			advice := advised("portside", a.stderr)
			if want := " " + strings.ReplaceAll(test.want, "NAMESPACE", c.namespace); len(advice) != 1 || advice[0] != want {
				t.Fatalf("the advice is %q, not %q:\n%s", advice, want, a.stderr)
			}
			c.must(0, runProgram(t, "", append(words(advice[0]), "--kubeconfig", c.kubeconfig)...))
		})
	}
}
