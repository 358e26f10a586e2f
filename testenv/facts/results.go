package facts

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	utilversion "k8s.io/apimachinery/pkg/util/version"
)

// Outcome is what a run of the tests shows about a fact.
type Outcome string

// The outcomes.
const (
	Holds    Outcome = "holds"
	Differs  Outcome = "differs"
	NotAsked Outcome = "not asked" // the cluster cannot be asked
)

// Result is the outcome of one fact.
type Result struct {
	Fact    string  `json:"fact"` // as [Fact.Test] returns it
	Outcome Outcome `json:"outcome"`
	// How is the first failure, or the reason why the fact was not asked.
	How string `json:"how,omitempty"`
}

// Release has the results on one release of Kubernetes, in the order of [All].
type Release struct {
	Version string // such as 1.37.2
	Results []Result
}

// event is a line of go test -json.
type event struct{ Action, Test, Output string }

// message matches the output of t.Error, t.Fatal and t.Skip.
var message = regexp.MustCompile(`^\s*\w+\.go:\d+: (.+)\n`)

// ReadRun returns the results of a run of this package's tests from the output of
// go test -json. It returns an error if the run has no result for a fact.
func ReadRun(run io.Reader) ([]Result, error) {
	byFact := map[string]*Result{}
	said := map[string]string{} // the last message of a test
	for decoder := json.NewDecoder(run); ; {
		var e event
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("cannot read the output of go test -json: %w", err)
		}
		fact, ok := factOf(e.Test)
		if !ok {
			continue
		}
		if byFact[fact] == nil {
			byFact[fact] = &Result{Fact: fact}
		}
		if text := message.FindStringSubmatch(e.Output); text != nil {
			said[e.Test] = text[1]
		}
		byFact[fact].add(e.Action, cmp.Or(said[e.Test], byFact[fact].How))
	}
	var results []Result
	for _, fact := range All() {
		result := byFact[fact.Test()]
		if result == nil || result.Outcome == "" {
			return nil, fmt.Errorf("the run has no result for %s", fact.Test())
		}
		results = append(results, *result)
	}
	return results, nil
}

// factOf returns the fact that a test belongs to: its own test or its reproducer.
func factOf(test string) (string, bool) {
	name, _, _ := strings.Cut(test, "/")
	if reproducer, ok := strings.CutPrefix(test, "TestReproducers/"); ok {
		name, _, _ = strings.Cut("Test"+reproducer, "/")
	}
	return name, slices.ContainsFunc(All(), func(f Fact) bool { return f.Test() == name })
}

// add adds the outcome of one test of the fact. The worst one counts.
func (r *Result) add(action, how string) {
	switch {
	case action == "fail" && r.Outcome != Differs:
		r.Outcome, r.How = Differs, how
	case action == "skip" && r.Outcome != Differs:
		r.Outcome, r.How = NotAsked, how
	case action == "pass" && r.Outcome == "":
		r.Outcome = Holds
	}
}

// WriteResults writes results, one JSON object a line.
func WriteResults(to io.Writer, results []Result) error {
	lines := json.NewEncoder(to)
	lines.SetEscapeHTML(false)
	for _, result := range results {
		if err := lines.Encode(result); err != nil {
			return err
		}
	}
	return nil
}

// ReadReleases reads the results in a folder, a file a release such as 1.37.2.jsonl,
// the oldest release first.
func ReadReleases(folder string) ([]Release, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("cannot read the results in %s: %w; run `make facts`", folder, fs.ErrNotExist)
	}
	var releases []Release
	for _, path := range paths {
		release := Release{Version: strings.TrimSuffix(filepath.Base(path), ".jsonl")}
		if release.Results, err = readResults(path); err != nil {
			return nil, fmt.Errorf("cannot read the results in %s: %w; run `make facts`", path, err)
		}
		releases = append(releases, release)
	}
	slices.SortFunc(releases, func(a, b Release) int {
		if utilversion.MustParseGeneric(a.Version).LessThan(utilversion.MustParseGeneric(b.Version)) {
			return -1
		}
		return 1
	})
	return releases, nil
}

// readResults reads a file of results. It returns an error unless they are those of
// the table.
func readResults(path string) ([]Result, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var results []Result
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var result Result
		if err := json.Unmarshal(lines.Bytes(), &result); err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	if !slices.EqualFunc(results, All(), func(r Result, f Fact) bool { return r.Fact == f.Test() }) {
		return nil, errors.New("the facts are not those of the table")
	}
	return results, nil
}
