package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/portside-dev/portside/cmd/portside/internal/manifest"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{}) }

// TestRules has a case for each rule of the CRD, with the part of the message that shows which rule
// it is. The file reader and the API server refuse it with the same text.
func TestRules(t *testing.T) {
	cp := testenv.Shared(t)
	portside.InstallCRD(t, cp)
	git := cp.Manager("git").In(cp.Namespace(t))
	for name, c := range rules() {
		t.Run(name, func(t *testing.T) {
			_, read := manifest.Read("sets.yaml", strings.NewReader(c.input))
			_, stored := git.Create(t.Context(), c.input)
			for who, err := range map[string]error{"the reader": read, "the API server": stored} {
				for want := range strings.Lines(c.want) {
					if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
						t.Errorf("%s reports %v, not %q", who, err, want)
					}
				}
			}
		})
	}
}

func rules() map[string]refusal {
	const (
		http  = "spec.discovery.http."
		empty = "\nspec: {" + target + ", adapters: []}"
	)
	subdomain, label := validation.IsDNS1123Subdomain("A")[0], validation.IsValidLabelValue("-")[0]
	long := strings.Repeat("a", 254)
	return map[string]refusal{
		"both":        {withSpec("adapters: [{type: nfs, port: 1}], discovery: {http: {port: 1, scheme: HTTP}}"), "spec: Invalid value: adapters and discovery exclude each other"},
		"65 adapters": {manyAdapters(65), "spec.adapters: Too many: 65: must have at most 64 items"},
		"one type twice": {
			withSpec("adapters: [{type: nfs, port: 1}, {type: smb, port: 2}, {type: nfs, port: 3}]"),
			`spec.adapters[2]: Duplicate value`,
		},
		"one companion twice":         {withSpec("companions: [{name: a, adapter: nfs, port: 1}, {name: a, adapter: smb, port: 2}]"), `spec.companions[1]: Duplicate value`},
		"a companion of none":         {withSpec("companions: [{name: a, port: 1}]"), "spec.companions[0]: Invalid value: exactly one of adapter and adapters must be set"},
		"a companion of both":         {withSpec("companions: [{name: a, port: 1, adapter: nfs, adapters: [smb]}]"), "spec.companions[0]: Invalid value: exactly one of adapter and adapters must be set"},
		"a companion of no adapters":  {withSpec("companions: [{name: a, port: 1, adapters: []}]"), "spec.companions[0].adapters in body should have at least 1 items"},
		"an adapter of it twice":      {withSpec("companions: [{name: a, port: 1, adapters: [nfs, nfs]}]"), "spec.companions[0].adapters[1]: Duplicate value"},
		"a companion without a port":  {withSpec("companions: [{name: a, adapters: [nfs, smb]}]"), "spec.companions[0]: Invalid value: port must be set for more than one adapter"},
		"a companion's name":          {withSpec("companions: [{name: A, adapter: nfs}]"), "spec.companions[0].name in body should match"},
		"a companion's port":          {withSpec("companions: [{name: a, adapter: nfs, port: 65536}]"), "spec.companions[0].port in body should be less than or equal to 65535"},
		"a companion's protocol":      {withSpec("companions: [{name: a, adapter: nfs, protocol: udp}]"), `spec.companions[0].protocol: Unsupported value: "udp"`},
		"a companion's adapter":       {withSpec("companions: [{name: a, adapter: ñ}]"), "spec.companions[0].adapter in body should match"},
		"a companion's adapters":      {withSpec("companions: [{name: a, port: 1, adapters: [ñ]}]"), "spec.companions[0].adapters[0] in body should match"},
		"40 adapters, 25 companions":  {withSpec("adapters: [" + items(40, "{type: a%d, port: 1}") + "], companions: [" + items(25, "{name: c%d, adapter: a1}") + "]"), "spec: Invalid value: adapters and companions must have at most 64 items together"},
		"a type too long":             {withAdapter("port: 1, type: " + strings.Repeat("a", 64)), "spec.adapters[0].type: Too long: may not be more than 63 bytes"},
		"a type in unicode":           {withAdapter("port: 1, type: ñfs"), "spec.adapters[0].type in body should match '^[ -"},
		"a type with a line end":      {withAdapter(`port: 1, type: "nfs\n"`), "spec.adapters[0].type in body should match '^[ -"},
		"a type with DEL":             {withAdapter(`port: 1, type: "\x7f"`), "spec.adapters[0].type in body should match '^[ -"},
		"a type with a C1 control":    {withAdapter(`port: 1, type: "a\x9b"`), "spec.adapters[0].type in body should match '^[ -"},
		"a type with a backslash":     {withAdapter(`port: 1, type: 'a\b'`), "spec.adapters[0].type in body should match '^[ -"},
		"port 0 of an adapter":        {withAdapter("type: nfs, port: 0"), "spec.adapters[0].port in body should be greater than or equal to 1"},
		"port 65536 of an adapter":    {withAdapter("type: nfs, port: 65536"), "spec.adapters[0].port in body should be less than or equal to 65535"},
		"a protocol in lower case":    {withAdapter("type: nfs, port: 1, protocol: udp"), `spec.adapters[0].protocol: Unsupported value: "udp": supported values: "TCP", "UDP", "SCTP"`},
		"a type without a letter":     {withAdapter(`type: "--", port: 1`), "spec.adapters[0].type in body should match"},
		"an empty type":               {withAdapter(`type: "", port: 1`), "spec.adapters[0].type in body should match"},
		"no type":                     {withSpec("adapters: [{port: 1}]"), "spec.adapters[0].type: Required value"},
		"no port":                     {withAdapter("type: nfs"), "spec.adapters[0].port: Required value"},
		"no spec":                     {named, "spec: Required value"},
		"no target":                   {named + "spec: {adapters: []}", "spec.targetRef: Required value"},
		"a target's version":          {withTarget("apiVersion: apps/v2, kind: StatefulSet, name: a"), `spec.targetRef.apiVersion: Unsupported value: "apps/v2": supported values: "apps/v1"`},
		"a target's kind":             {withTarget("apiVersion: apps/v1, kind: Job, name: a"), `spec.targetRef.kind: Unsupported value: "Job": supported values: ` + kinds()},
		"a target's name":             {withTarget("apiVersion: apps/v1, kind: StatefulSet, name: A"), "spec.targetRef.name in body should match"},
		"a target's long name":        {withTarget("apiVersion: apps/v1, kind: StatefulSet, name: " + long), "spec.targetRef.name: Too long: may not be more than 253 bytes"},
		"no target's version":         {withTarget("kind: StatefulSet, name: a"), "spec.targetRef.apiVersion: Required value"},
		"no target's kind":            {withTarget("apiVersion: apps/v1, name: a"), "spec.targetRef.kind: Required value"},
		"no target's name":            {withTarget("apiVersion: apps/v1, kind: StatefulSet"), "spec.targetRef.name: Required value"},
		"a container":                 {withSpec("adapters: [], container: a.b"), "spec.container in body should match"},
		"a long container":            {withSpec("adapters: [], container: " + long), "spec.container: Too long: may not be more than 63 bytes"},
		"no http":                     {withSpec("discovery: {}"), "spec.discovery.http: Required value"},
		"no http port":                {withHTTP("scheme: HTTP"), http + "port: Required value"},
		"port 0":                      {withHTTP("scheme: HTTP, port: 0"), http + "port: Invalid value: 0: port must be a port's name or a number from 1 to 65535"},
		"port 65536":                  {withHTTP("scheme: HTTP, port: 65536"), http + "port: Invalid value: 65536: port must be"},
		"a port's name in upper case": {withHTTP("scheme: HTTP, port: API"), http + `port: Invalid value: "API": port must be`},
		"a port's name in digits":     {withHTTP(`scheme: HTTP, port: "80"`), http + `port: Invalid value: "80": port must be`},
		"a port's name with --":       {withHTTP("scheme: HTTP, port: a--b"), http + `port: Invalid value: "a--b": port must be`},
		"a port's name of 16":         {withHTTP("scheme: HTTP, port: a234567890123456"), http + `port: Invalid value: "a234567890123456": port must be`},
		"no scheme":                   {withHTTP("port: 1"), http + "scheme: Required value"},
		"a scheme":                    {withHTTP("port: 1, scheme: http"), http + `scheme: Unsupported value: "http": supported values: "HTTP", "HTTPS"`},
		"a server name":               {withHTTP("port: 1, scheme: HTTPS, serverName: A"), http + "serverName in body should match"},
		"a long server name":          {withHTTP("port: 1, scheme: HTTPS, serverName: " + long), http + "serverName: Too long: may not be more than 253 bytes"},
		"a path":                      {withHTTP("port: 1, scheme: HTTP, path: api"), http + "path in body should match '^/'"},
		"an empty expression":         {withHTTP(`port: 1, scheme: HTTP, expression: ""`), http + "expression in body should be at least 1 chars long"},
		"a long expression":           {withHTTP("port: 1, scheme: HTTP, expression: '" + strings.Repeat("a", 4097) + "'"), http + "expression: Too long: may not be more than 4096 bytes"},
		"a login path":                {withHTTP("port: 1, scheme: HTTP, credentialsRef: {name: a}, loginPath: login"), http + "loginPath in body should match '^/'"},
		"a long login path":           {withHTTP("port: 1, scheme: HTTP, credentialsRef: {name: a}, loginPath: /" + strings.Repeat("a", 1024)), http + "loginPath: Too long: may not be more than 1024 bytes"},
		"a login without credentials": {withHTTP("port: 1, scheme: HTTP, loginPath: /login"), "spec.discovery.http: Invalid value: loginPath needs credentialsRef"},
		"a long path":                 {withHTTP("port: 1, scheme: HTTP, path: /" + strings.Repeat("a", 1024)), http + "path: Too long: may not be more than 1024 bytes"},
		"too often":                   {withHTTP("port: 1, scheme: HTTP, timeoutSeconds: 1, intervalSeconds: 4"), http + "intervalSeconds in body should be greater than or equal to 5"},
		"too seldom":                  {withHTTP("port: 1, scheme: HTTP, intervalSeconds: 3601"), http + "intervalSeconds in body should be less than or equal to 3600"},
		"too patient":                 {withHTTP("port: 1, scheme: HTTP, timeoutSeconds: 61, intervalSeconds: 100"), http + "timeoutSeconds in body should be less than or equal to 60"},
		"no time":                     {withHTTP("port: 1, scheme: HTTP, timeoutSeconds: 0"), http + "timeoutSeconds in body should be greater than or equal to 1"},
		"as long as the interval":     {withHTTP("port: 1, scheme: HTTP, intervalSeconds: 10"), "spec.discovery.http: Invalid value: timeoutSeconds must be less than intervalSeconds"},
		"a secret's name":             {withHTTP("port: 1, scheme: HTTP, credentialsRef: {name: A}"), http + "credentialsRef.name in body should match"},
		"a secret's long name":        {withHTTP("port: 1, scheme: HTTP, credentialsRef: {name: " + long + "}"), http + "credentialsRef.name: Too long: may not be more than 253 bytes"},
		"no secret's name":            {withHTTP("port: 1, scheme: HTTP, credentialsRef: {}"), http + "credentialsRef.name: Required value"},
		"stabilizationWindowSeconds":  {withSpec("adapters: [], rollout: {stabilizationWindowSeconds: -1}"), "spec.rollout.stabilizationWindowSeconds in body should be greater than or equal to 0"},
		"removalDelaySeconds":         {withSpec("adapters: [], rollout: {removalDelaySeconds: -1}"), "spec.rollout.removalDelaySeconds in body should be greater than or equal to 0"},
		"hostNetwork":                 {withSpec("adapters: [], hostNetwork: Ask"), `spec.hostNetwork: Unsupported value: "Ask": supported values: "Block", "Allow"`},
		"deletionPolicy":              {withSpec("adapters: [], deletionPolicy: Orphan"), `spec.deletionPolicy: Unsupported value: "Orphan": supported values: "Retain", "Remove"`},
		"no name":                     {head + "metadata: {}" + empty, "metadata.name: Required value"},
		"a null name":                 {head + "metadata: {name: null}" + empty, "metadata.name: Required value"},
		"a wrong name":                {head + "metadata: {name: A}" + empty, `metadata.name: Invalid value: "A": ` + subdomain},
		"a wrong label":               {head + `metadata: {name: a, labels: {x: "-"}}` + empty, `metadata.labels: Invalid value: "-": ` + label},
		"a wrong annotation": {
			head + "metadata: {name: a, annotations: {x y: z}}" + empty,
			`metadata.annotations: Invalid value: "x y": ` + validation.IsQualifiedName("x y")[0],
		},
		"an unknown target": {
			withTarget("apiVersion: batch/v1, kind: Job, name: J"),
			"spec.targetRef.apiVersion: Unsupported value: \"batch/v1\"\nspec.targetRef.kind: Unsupported value: \"Job\"\nspec.targetRef.name: Invalid value: \"J\"",
		},
		"an empty secret's name": {withHTTP(`scheme: HTTPS, port: 1, credentialsRef: {name: ""}`), http + "credentialsRef.name in body should match"},
		"negative delays": {
			withSpec("adapters: [], rollout: {stabilizationWindowSeconds: -1, removalDelaySeconds: -2}"),
			"spec.rollout.stabilizationWindowSeconds: Invalid value: -1\nspec.rollout.removalDelaySeconds: Invalid value: -2",
		},
		"a delay of more than 32 bits": {withSpec("adapters: [], rollout: {removalDelaySeconds: 4294967296}"), "spec.rollout.removalDelaySeconds"},
		"adapters without a port": {
			withSpec(`adapters: [{type: a, port: 0}, {type: b, port: 65536}, {type: c, port: 1, protocol: udp}, {type: d, port: 1, protocol: XYZ}, {type: "--", port: 1}, {type: "", port: 1}]`),
			"spec.adapters[0].port: Invalid value: 0\n" +
				"spec.adapters[1].port: Invalid value: 65536\n" +
				"spec.adapters[2].protocol: Unsupported value: \"udp\"\n" +
				"spec.adapters[3].protocol: Unsupported value: \"XYZ\"\n" +
				"spec.adapters[4].type: Invalid value: \"--\"\n" +
				"spec.adapters[5].type: Invalid value: \"\"",
		},
		"unknown policies": {
			withSpec("adapters: [], hostNetwork: Ask, deletionPolicy: Orphan"),
			"spec.hostNetwork: Unsupported value: \"Ask\"\nspec.deletionPolicy: Unsupported value: \"Orphan\"",
		},
	}
}

func withTarget(fields string) string {
	return named + "spec: {targetRef: {" + fields + "}, adapters: []}\n"
}

// items returns n items of a list, each with its number in it.
func items(n int, format string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(all, ", ")
}
