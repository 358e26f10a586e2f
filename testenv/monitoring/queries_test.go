package monitoring

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv/vocabulary"
)

const folder = "../../examples/monitoring/"

// rule is an alert of a PrometheusRule.
type rule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

// alerts returns the alerts of the PrometheusRule.
func alerts(t *testing.T) []rule {
	t.Helper()
	var object struct {
		Spec struct {
			Groups []struct {
				Name  string
				Rules []rule
			}
		}
	}
	if err := yaml.Unmarshal(read(t, "prometheusrule.yaml"), &object); err != nil {
		t.Fatal(err)
	}
	var all []rule
	for _, g := range object.Spec.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 5 {
		t.Fatalf("%d alerts", len(all))
	}
	return all
}

// honorsLabels reports whether the ServiceMonitor keeps the labels of a series.
func honorsLabels(t *testing.T) bool {
	t.Helper()
	var object struct {
		Spec struct{ Endpoints []struct{ HonorLabels bool } }
	}
	if err := yaml.Unmarshal(read(t, "servicemonitor.yaml"), &object); err != nil || len(object.Spec.Endpoints) != 1 {
		t.Fatalf("%d endpoints: %v", len(object.Spec.Endpoints), err)
	}
	return object.Spec.Endpoints[0].HonorLabels
}

// panel is a query of the dashboard, with the labels that its legend names.
type panel struct {
	title, query string
	labels       []string
}

var labelInLegend = regexp.MustCompile(`\{\{ *([a-z_]+) *\}\}`)

func panels(t *testing.T) []panel {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title, Description string
			Targets            []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(read(t, "dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	// The variables that Grafana replaces.
	variables := strings.NewReplacer("$__rate_interval", "5m", "$job", "portside")
	var all []panel
	for _, p := range dashboard.Panels {
		if p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q lacks a title, a description or a query", p.Title)
		}
		for _, target := range p.Targets {
			query := variables.Replace(target.Expr)
			if strings.Contains(query, "$") {
				t.Errorf("panel %q: a variable is left in %s", p.Title, query)
			}
			one := panel{title: p.Title, query: query}
			for _, match := range labelInLegend.FindAllStringSubmatch(target.LegendFormat, -1) {
				one.labels = append(one.labels, match[1])
			}
			all = append(all, one)
		}
	}
	return all
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(folder + file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestQueries runs every query on the scrapes of a running portside.
func TestQueries(t *testing.T) {
	t.Parallel()
	ns, texts := scrapesOfLife(t)
	p := scraped(t, texts...)
	t.Run("every query returns data", func(t *testing.T) { p.expectAllData(t, texts[len(texts)-1]) })
	// A port is blocked, a target is missing, and pods no longer answer.
	t.Run("alerts name the AdapterSet", func(t *testing.T) {
		want := map[string][]string{
			"PortsideStalled":        {"AdapterSet " + ns + "/blocked is stalled (Conflicting) and needs attention."},
			"PortsideNotReady":       {"AdapterSet " + ns + "/nowhere has not been ready for an hour (TargetNotFound)."},
			"PortsideDiscoveryFails": {"Discovery for AdapterSet " + ns + "/files fails (ServerError)."},
		}
		for _, a := range alerts(t) {
			if got := p.fired(a); !slices.Equal(got, want[a.Alert]) {
				t.Errorf("%s: %q, want %q", a.Alert, got, want[a.Alert])
			}
		}
	})
	t.Run("the README has every metric", func(t *testing.T) {
		if got, want := metricsInReadme(t), metricsOf(texts[len(texts)-1]); !slices.Equal(got, want) {
			t.Errorf("it has\n%q, and portside\n%q", got, want)
		}
	})
	t.Run("promlint", func(t *testing.T) {
		problems, err := promlint.New(strings.NewReader(texts[len(texts)-1])).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems {
			if strings.HasPrefix(problem.Metric, "portside_") {
				t.Errorf("%s: %s", problem.Metric, problem.Text)
			}
		}
	})
}

// expectAllData expects data for each query, and a query for each metric.
func (p *prometheus) expectAllData(t *testing.T, last string) {
	t.Helper()
	empty := scraped(t)
	queried := ""
	for _, panel := range panels(t) {
		p.expectData("panel "+panel.title, panel.query, panel.labels...)
		queried += panel.query
	}
	for _, a := range alerts(t) {
		expr, err := queries.ParseExpr(a.Expr)
		if err != nil {
			t.Errorf("%s: %v", a.Alert, err)
			continue
		}
		for _, part := range compared(expr) {
			p.expectData(a.Alert, part.String())
		}
		if strings.HasPrefix(a.Expr, "absent(") {
			empty.expectData(a.Alert+", of an empty storage", a.Expr)
		}
		queried += a.Expr
	}
	// A metric without a query is not worth its cost.
	for _, name := range metricsOf(last) {
		if !strings.Contains(queried, name) {
			t.Errorf("no query has %s", name)
		}
	}
}

// TestRulesAreValid checks the names, durations and templates of the rules.
func TestRulesAreValid(t *testing.T) {
	t.Parallel()
	var object map[string]any
	if err := yaml.Unmarshal(read(t, "prometheusrule.yaml"), &object); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(object["spec"])
	if err != nil {
		t.Fatal(err)
	}
	if _, errs := rulefmt.Parse(text, false, model.UTF8Validation, queries, nil); len(errs) > 0 {
		t.Errorf("%q", errs)
	}
	anchors := headings(t)
	for _, a := range alerts(t) {
		// Nothing breaks while portside does not run, so no alert wakes a person.
		if severity := a.Labels["severity"]; severity != "warning" && severity != "info" {
			t.Errorf("%s has the severity %q", a.Alert, severity)
		}
		for _, name := range []string{"summary", "description"} {
			if a.Annotations[name] == "" {
				t.Errorf("%s has no %s", a.Alert, name)
			}
		}
		anchor, ours := strings.CutPrefix(a.Annotations["runbook"], runbook+"#")
		if !ours || anchors[anchor] == "" {
			t.Errorf("%s: runbook %q is no heading of %s", a.Alert, a.Annotations["runbook"], runbook)
		}
	}
}

// TestQueriesNameReasonsThatExist checks the reasons in queries: a query for another
// one would never return data.
func TestQueriesNameReasonsThatExist(t *testing.T) {
	t.Parallel()
	known := slices.Concat(values(t, vocabulary.ConditionReasons), values(t, vocabulary.DiscoveryReasons))
	all := panels(t)
	for _, a := range alerts(t) {
		all = append(all, panel{title: a.Alert, query: a.Expr})
	}
	named := 0
	for _, q := range all {
		expr, err := queries.ParseExpr(q.query)
		if err != nil {
			t.Errorf("%s: %v", q.title, err)
			continue
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			selector, is := node.(*parser.VectorSelector)
			if !is {
				return nil
			}
			for _, m := range selector.LabelMatchers {
				if m.Name != "reason" {
					continue
				}
				for reason := range strings.SplitSeq(m.Value, "|") {
					named++
					if !slices.Contains(known, reason) {
						t.Errorf("%s: there is no reason %s", q.title, reason)
					}
				}
			}
			return nil
		})
	}
	if named == 0 {
		t.Error("no query names a reason")
	}
}

var ofPortside = regexp.MustCompile(`(?m)^# TYPE (portside_[a-z_]+) `)

func metricsOf(text string) []string {
	names := map[string]bool{}
	for _, match := range ofPortside.FindAllStringSubmatch(text, -1) {
		names[match[1]] = true
	}
	return slices.Sorted(maps.Keys(names))
}
