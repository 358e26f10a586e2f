package pages_test

// notRun are the blocks that [TestPages] does not run, by their page and first line, or by
// the page alone if other tests cover all of its blocks. The value is what covers them: a
// test, or a file of the repository that runs the same command.
var notRun = map[string]string{
	// The demo's own test plays it, and compares its output with what pages show of it.
	"README.md:   $ portside owners statefulset/dittofs": "TestStory",
	"examples/demo/README.md: ── 2. DittoFS reports nfs and smb, both running ────────────────────────────────": "TestStory",
	"examples/demo/README.md: ── What restarted pods ─────────────────────────────────────────────────────────": "TestStory",
	// Generated from scripts that a test of their own runs.
	"testenv/facts/README.md": "TestReproducers",
	// They need Helm, which a nested module has as a library.
	"examples/chart/README.md: helm install portside examples/chart --namespace portside-system --create-namespace --set image.repository=registry.example/portside --set image.tag=v0.1.0": "TestChart_image",
	"examples/chart/README.md: kubectl apply --server-side --force-conflicts -f examples/chart/crds":                                                                                        "TestChart_upgrade",
	// Tests of their own run them: the first with the operator's code between the commands.
	"examples/guides/update-to-apply/README.md": "TestPage",
	"examples/operations/README.md":             "TestOperations",
	// They run tests.
	"CONTRIBUTING.md": ".ci/test",
	// It needs a running EMQX. The test maps an answer that was written after its API.
	"examples/emqx/README.md: curl -u KEY:SECRET http://…:18083/api/v5/listeners | portside diff -f adapterset.yaml --adapters -": "TestSync_ExampleEMQX",
	// An hour or two of measurements.
	"testenv/bench/README.md: make build controlplane": "TestResults",
}

// before are commands that prepare what a page takes for granted, such as a workload.
// REPOSITORY is the root of the repository.
var before = map[string]string{
	"cmd/portside/README.md": `
kubectl apply --server-side --field-manager=argocd-controller -n storage -f "$REPOSITORY/examples/dittofs/statefulset.yaml"
kubectl patch statefulset dittofs -n storage --field-manager=dittofs-operator --type=json -p '[{"op": "add", "path": "/spec/template/spec/containers/0/ports/-", "value": {"name": "adapter-s3", "containerPort": 9000, "protocol": "TCP"}}]'
kubectl rollout status statefulset dittofs -n storage
cp "$REPOSITORY/examples/dittofs/adapters-both-running.json" .`,
	"examples/rabbitmq/README.md": "kubectl apply --server-side -f namespace.yaml -f statefulset.yaml -f service.yaml",
	"examples/adapterset.md": `
kubectl apply --server-side --field-manager=argocd-controller -n storage -f "$REPOSITORY/examples/dittofs/statefulset.yaml"
kubectl rollout status statefulset dittofs -n storage`,
}
