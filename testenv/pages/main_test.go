package pages_test

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{Controllers: true}) }
