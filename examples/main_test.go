package examples_test

import (
	"os"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{}) }

func fileText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
