package monitoring

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/tsdb"
)

// prometheus is an engine with a storage.
type prometheus struct {
	t      *testing.T
	engine *promql.Engine
	db     *tsdb.DB
	last   time.Time
}

// scraped returns a Prometheus that scraped these texts, a minute apart.
func scraped(t *testing.T, texts ...string) *prometheus {
	t.Helper()
	db, err := tsdb.Open(t.TempDir(), nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &prometheus{t: t, db: db, last: time.Unix(0, 0), engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1e6, Timeout: time.Minute, Parser: queries,
	})}
	for _, text := range texts {
		p.last = p.last.Add(time.Minute)
		p.add(text)
	}
	return p
}

var queries = parser.NewParser(parser.Options{})

// add stores a scrape with the labels that Prometheus adds to those of a Service's
// pods. The ServiceMonitor decides which label is kept if a series has the same
// one.
func (p *prometheus) add(text string) {
	p.t.Helper()
	honors := honorsLabels(p.t)
	app := p.db.Appender(p.t.Context())
	for lines := textparse.NewPromParser([]byte(text), labels.NewSymbolTable(), false); ; {
		entry, err := lines.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			p.t.Fatal(err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, _, value := lines.Series()
		var series labels.Labels
		lines.Labels(&series)
		added := labels.FromStrings("job", "portside", "instance", "192.0.2.1:8443", "namespace", "portside-system", "pod", "portside-0")
		all := labels.NewBuilder(added)
		series.Range(func(l labels.Label) {
			if added.Has(l.Name) && !honors {
				l.Name = model.ExportedLabelPrefix + l.Name
			}
			all.Set(l.Name, l.Value)
		})
		if _, err := app.Append(0, all.Labels(), p.last.UnixMilli(), value); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		p.t.Fatal(err)
	}
}

// ask returns the answer to a query at the time of the last scrape.
func (p *prometheus) ask(query string) promql.Vector {
	p.t.Helper()
	q, err := p.engine.NewInstantQuery(p.t.Context(), p.db, nil, query, p.last)
	if err != nil {
		p.t.Errorf("%s: %v", query, err)
		return nil
	}
	defer q.Close()
	result := q.Exec(p.t.Context())
	vector, err := result.Vector()
	if err != nil {
		p.t.Errorf("%s: %v", query, err)
	}
	return append(promql.Vector{}, vector...)
}

// expectData expects at least one number with the labels that a legend names.
func (p *prometheus) expectData(what, query string, legend ...string) {
	p.t.Helper()
	for _, sample := range p.ask(query) {
		if !math.IsNaN(sample.F) && !slices.ContainsFunc(legend, func(l string) bool { return !sample.Metric.Has(l) }) {
			return
		}
	}
	p.t.Errorf("%s: %s returns nothing that has the labels %q", what, query, legend)
}

// fired returns the summary of each alert that a rule sends at the time of the last
// scrape, sorted, expanded by Prometheus's own templates.
func (p *prometheus) fired(r rule) []string {
	p.t.Helper()
	var summaries []string
	for _, sample := range p.ask(r.Expr) {
		data := template.AlertTemplateData(sample.Metric.Map(), nil, "", promql.Sample{F: sample.F})
		expand := func(text string) string {
			const variables = "{{$labels := .Labels}}{{$value := .Value}}" // as Prometheus defines them
			text, err := template.NewTemplateExpander(p.t.Context(), variables+text, "", data, model.TimeFromUnixNano(p.last.UnixNano()), nil, nil, nil).Expand()
			if err != nil {
				p.t.Errorf("%s: %v", r.Alert, err)
			}
			return text
		}
		if kubectl := expand(r.Annotations["description"]); strings.Contains(kubectl, "-n  ") {
			p.t.Errorf("%s: a label is missing: %s", r.Alert, kubectl)
		}
		summaries = append(summaries, expand(r.Annotations["summary"]))
	}
	slices.Sort(summaries)
	return summaries
}

// compared returns the parts of an alert's expression that return data also while
// nothing is wrong.
func compared(e parser.Expr) []parser.Expr {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return compared(e.Expr)
	case *parser.BinaryExpr:
		if e.Op.IsComparisonOperator() {
			return compared(e.LHS)
		}
		if e.Op.IsSetOperator() {
			return append(compared(e.LHS), compared(e.RHS)...)
		}
	case *parser.Call:
		if e.Func.Name == "absent" {
			return []parser.Expr{e.Args[0]}
		}
	}
	return []parser.Expr{e}
}
