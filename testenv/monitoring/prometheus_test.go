package monitoring

import (
	"errors"
	"io"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
)

// prometheus is an engine and a storage to ask.
type prometheus struct {
	t      *testing.T
	engine *promql.Engine
	db     *tsdb.DB
	last   time.Time
}

// scraped is a Prometheus that scraped these texts, a minute apart.
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

// add stores a scrape, with the labels that one adds of a Service's pods.
func (p *prometheus) add(text string) {
	p.t.Helper()
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
		all := labels.NewBuilder(series).Set("job", "portside").Set("instance", "192.0.2.1:8443").
			Set("namespace", "portside-system").Set("pod", "portside-0").Labels()
		if _, err := app.Append(0, all, p.last.UnixMilli(), value); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		p.t.Fatal(err)
	}
}

// ask is the answer to a query at the time of the last scrape.
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

// expectData asks for at least one number with the labels that a legend names.
func (p *prometheus) expectData(what, query string, legend ...string) {
	p.t.Helper()
	for _, sample := range p.ask(query) {
		if !math.IsNaN(sample.F) && !slices.ContainsFunc(legend, func(l string) bool { return !sample.Metric.Has(l) }) {
			return
		}
	}
	p.t.Errorf("%s: %s returns nothing that has the labels %q", what, query, legend)
}

// compared are the parts of an alert's expression that return data whether or
// not something is wrong.
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
