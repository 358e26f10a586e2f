package httpapi_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/expression"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/testenv/dittofs"
)

const examples = "../../../../../examples/"

func exampleFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(examples + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exampleHTTP returns spec.discovery.http of an example.
func exampleHTTP(t *testing.T, name string) *v1alpha1.HTTPDiscovery {
	t.Helper()
	var set v1alpha1.AdapterSet
	if err := yaml.UnmarshalStrict([]byte(exampleFile(t, name)), &set); err != nil {
		t.Fatal(err)
	}
	return set.Spec.Discovery.HTTP
}

func mapped(t *testing.T, text, answer string) ([]httpapi.Listed, error) {
	t.Helper()
	program, err := expression.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return httpapi.Parse(t.Context(), "answer.json", []byte(answer), program)
}

// TestMapExamples maps answers of servers with the expressions of the examples. That of
// RabbitMQ was recorded from a cluster of three nodes; that of EMQX is documented.
func TestMapExamples(t *testing.T) {
	overview := exampleFile(t, "rabbitmq/overview-three-nodes.json")
	alone := exampleHTTP(t, "rabbitmq/adapterset.yaml").Expression
	all := strings.Replace(alone, "l.node == self.node && ", "", 1)
	for name, c := range map[string]struct {
		expression, answer string
		active, inactive   []apply.Adapter
	}{
		"RabbitMQ's own listeners": {alone, overview, []apply.Adapter{{Type: "amqp", Port: 5672}, {Type: "mqtt", Port: 1883}, {Type: "stomp", Port: 61613}}, nil},
		"RabbitMQ's, of all nodes": {all, overview, []apply.Adapter{{Type: "amqp", Port: 5672}, {Type: "mqtt", Port: 1883}, {Type: "stomp", Port: 61613}}, nil},
		"EMQX": {
			exampleHTTP(t, "emqx/adapterset.yaml").Expression, exampleFile(t, "emqx/listeners.json"),
			[]apply.Adapter{{Type: "tcp", Port: 1883, Protocol: "TCP"}, {Type: "ws", Port: 8083, Protocol: "TCP"}, {Type: "quic", Port: 14567, Protocol: "UDP"}},
			[]apply.Adapter{{Type: "ssl", Port: 8883, Protocol: "TCP"}},
		},
		"DittoFS, as without an expression": {
			"self", exampleFile(t, "dittofs/adapters-smb-disabled.json"), []apply.Adapter{{Type: "nfs", Port: 12049}}, []apply.Adapter{{Type: "smb", Port: 1445}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := mapped(t, c.expression, c.answer)
			if err != nil || !slices.Equal(httpapi.Active(got), c.active) || !slices.Equal(httpapi.Inactive(got), c.inactive) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	if strings.Count(overview, `"protocol":"mqtt"`) != 3 || all == alone {
		t.Error("the recorded answer does not list the listeners of three nodes")
	}
}

func TestMapAnswer(t *testing.T) {
	const (
		refused = "answer.json: element 0%s of what spec.discovery.http.expression makes of it: %s; nothing of it is used"
		typed   = ` (type "a")`
	)
	many := func(n int) string {
		items := []string{}
		for i := range n {
			items = append(items, fmt.Sprintf(`{"type":"a%d","port":%d}`, i, i+1))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	both := httpapi.Listed{Adapter: apply.Adapter{Type: "a", Port: 1}, Enabled: true, Running: true}
	for name, c := range map[string]struct {
		answer string
		want   []httpapi.Listed
		err    string
	}{
		"enabled and running by default": {`[{"type":"a","port":1}]`, []httpapi.Listed{both}, ""},
		"not running":                    {`[{"type":"a","port":1,"running":false}]`, []httpapi.Listed{{Adapter: both.Adapter, Enabled: true}}, ""},
		"not enabled":                    {`[{"type":"a","port":1,"enabled":false}]`, []httpapi.Listed{{Adapter: both.Adapter, Running: true}}, ""},
		"identical elements":             {`[{"type":"a","port":1},{"type":"b","port":2},{"type":"a","port":1,"x":3}]`, []httpapi.Listed{both, {Adapter: apply.Adapter{Type: "b", Port: 2}, Enabled: true, Running: true}}, ""},
		"identical but for defaults":     {`[{"type":"a","port":1},{"type":"a","port":1.0,"protocol":"TCP","enabled":true}]`, []httpapi.Listed{both}, ""},
		"a protocol apart":               {`[{"type":"a","port":1},{"type":"a","port":1,"protocol":"UDP"}]`, []httpapi.Listed{both, {Adapter: apply.Adapter{Type: "a", Port: 1, Protocol: "UDP"}, Enabled: true, Running: true}}, ""},
		"a port that is wrong":           {`[{"type":"a","port":70000}]`, []httpapi.Listed{{Adapter: apply.Adapter{Type: "a", Port: 70000}, Enabled: true, Running: true}}, ""},
		"64 adapters, each twice":        {strings.Replace(many(64)+many(64), "][", ",", 1), nil, ""},
		"65 adapters":                    {many(65), nil, "answer.json: has more than 64 adapters: check that it is the list of one server; nothing of it is used"},
		"no type":                        {`[{"port":1}]`, nil, fmt.Sprintf(refused, "", "type: is missing")},
		"no port":                        {`[{"type":"a"}]`, nil, fmt.Sprintf(refused, typed, "port: is missing")},
		"a text as port":                 {`[{"type":"a","port":"1"}]`, nil, fmt.Sprintf(refused, typed, "port: must be a whole number, not a string")},
		"a fraction as port":             {`[{"type":"a","port":1.5}]`, nil, fmt.Sprintf(refused, typed, "port: must be a whole number in plain digits, without fraction or exponent")},
		"null as protocol":               {`[{"type":"a","port":1,"protocol":null}]`, nil, fmt.Sprintf(refused, typed, "protocol: must be a string, not null")},
		"a text as running":              {`[{"type":"a","port":1,"running":"yes"}]`, nil, fmt.Sprintf(refused, typed, "running: must be true or false, not a string")},
		"an object":                      {`{}`, nil, "answer.json: cannot be mapped by spec.discovery.http.expression: the result must be a list of objects, not map; nothing of it is used"},
		"no JSON":                        {`nfs`, nil, "answer.json: is not JSON, at line 1, byte 1: must be the JSON answer that spec.discovery.http.expression maps; nothing of it is used"},
		"more than one value":            {`[] []`, nil, "answer.json: has more after the answer, at line 1, byte 3: must be the JSON answer that spec.discovery.http.expression maps and nothing else; nothing of it is used"},
		"half":                           {`[{"type":`, nil, "answer.json: is truncated, at line 1, byte 9: get the whole answer again; nothing of it is used"},
		"nothing":                        {``, nil, "answer.json: is empty: must be the JSON answer that spec.discovery.http.expression maps; nothing of it is used"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := mapped(t, "self", c.answer)
			if (err == nil) != (c.err == "") || err != nil && (err.Error() != c.err || got != nil) {
				t.Errorf("got %v, want %q", err, c.err)
			}
			if c.want != nil && !slices.Equal(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if c.want == nil && err == nil && len(got) != apply.MaxAdapters {
				t.Errorf("got %d adapters", len(got))
			}
		})
	}
}

// TestAskMaps asks pods with an expression. What a condition says is the same for every
// answer of the kind, and quotes none.
func TestAskMaps(t *testing.T) {
	const mapping = `self.l.map(x, {"type": x.t, "port": int(x.p)})`
	const failed = "spec.discovery.http.expression makes no list of at most 64 adapters of the answer; give the answer to portside diff --adapters to see why"
	for name, c := range map[string]struct {
		expression, answer string
		want               discovery.Reason
		text               string
	}{
		"a list":                  {mapping, `{"l": [{"t": "nfs", "p": "12049"}]}`, "", ""},
		"no JSON":                 {mapping, "hunter2", discovery.Malformed, "the answer is not JSON"},
		"a field missing":         {mapping, `{"hunter2": 1}`, discovery.ExpressionFailed, failed},
		"a text that is no port":  {mapping, `{"l": [{"t": "nfs", "p": "hunter2"}]}`, discovery.ExpressionFailed, failed},
		"a type that is no text":  {mapping, `{"l": [{"t": 1, "p": "1"}]}`, discovery.ExpressionFailed, failed},
		"an object":               {"self", `{"hunter2": 1}`, discovery.ExpressionFailed, failed},
		"beyond the limit":        {"self.l.filter(a, self.l.all(b, self.l.all(c, c == 0)))", `{"l": [` + strings.Repeat("0,", 1000) + `0]}`, discovery.ExpressionFailed, "the expression exceeds its cost limit for this answer"},
		"an answer that is large": {mapping, strings.Repeat(" ", 128<<10) + "{}", discovery.TooLarge, "the answer is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			endpoint := plain(aMinute)
			endpoint.Expression = c.expression
			client := newClient(t, endpoint, nil)
			got, err := client.Ask(t.Context(), serve(t, "pod-0", dittofs.Body(c.answer)))
			if discovery.ReasonOf(err) != c.want || err != nil && err.Error() != c.text {
				t.Errorf("got %s %v, want %s %s", discovery.ReasonOf(err), err, c.want, c.text)
			}
			if err == nil && !slices.Equal(got, []apply.Adapter{nfs}) {
				t.Errorf("got %+v", got)
			}
			checkSilent(t, err, client)
		})
	}
}

func TestSourceInvalidExpression(t *testing.T) {
	set := asksHTTP()
	set.Spec.Discovery.HTTP.Expression = "self.l.map(x, y)"
	const want = "spec.discovery.http.expression: line 1, column 15: undeclared reference to 'y'; the ports stay as they are"
	api := httpapi.New(httpapi.Options{})
	for range 2 { // the second time from what is kept
		if source, err := api.Source(set); source != nil || discovery.ReasonOf(err) != discovery.InvalidExpression || err.Error() != want {
			t.Errorf("got %v, %v", source, err)
		}
	}
	endpoint := plain(aMinute)
	endpoint.Expression = set.Spec.Discovery.HTTP.Expression
	if _, err := api.Client("a", endpoint, httpapi.Credentials{}); discovery.ReasonOf(err) != discovery.InvalidExpression {
		t.Error(err)
	}
}

// FuzzMap: whatever a pod says, an answer is mapped to at most 64 adapters, or refused.
func FuzzMap(f *testing.F) {
	for _, seed := range []string{`[{"type":"a","port":1}]`, `{"l":[{"type":"a","port":1.0}]}`, `[[]]`, `null`, `{"l":1e400}`} {
		f.Add([]byte(seed))
	}
	program, err := expression.Compile(`(type(self) == map ? self.l : self).filter(x, x.port > 0)`)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		adapters, err := httpapi.Parse(t.Context(), "fuzz", slices.Clone(body), program)
		if (err == nil) == (adapters == nil) || len(adapters) > apply.MaxAdapters {
			t.Fatalf("%d adapters, %v", len(adapters), err)
		}
		if err == nil && !json.Valid(body) {
			t.Fatalf("mapped %q", body)
		}
	})
}
