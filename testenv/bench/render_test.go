package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestResults expects that the files in results are those of its report.
func TestResults(t *testing.T) {
	t.Parallel()
	files, err := rendered("results/report.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join("results", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("results/%s is not that of results/report.json (%v): run `go -C testenv/bench run . render testenv/bench/results/report.json`", name, err)
		}
	}
	for _, name := range []string{"requests", "bytes", "cpu", "attempts", "settling", "memory"} {
		if files[name+".svg"] == nil {
			t.Errorf("no plot %s", name)
		}
	}
}

// TestSVG expects a well-formed document with a legend, the categories, the values, and
// fonts that browsers have.
func TestSVG(t *testing.T) {
	t.Parallel()
	c := chart{
		name: "sent", title: "Sent", x: "targets", y: "bytes", categories: []string{"100", "1000"},
		series: []series{{wayPortside, map[string]float64{"100": 341, "1000": 0}}, {wayFlux, map[string]float64{"1000": 602}}},
	}
	svg, err := c.svg()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			texts = append(texts, strings.TrimSpace(string(text)))
		}
	}
	for _, want := range []string{"Sent", "targets", "bytes", "100", "1000", wayPortside, wayFlux, "341", "0.00", "602"} {
		if !slices.Contains(texts, want) {
			t.Errorf("no text %q in %q", want, texts)
		}
	}
	if !bytes.Contains(svg, []byte("Arial")) {
		t.Error("no font to fall back to")
	}
	c.series[0].name = "unknown"
	if _, err := c.svg(); err == nil {
		t.Error("a series without a colour is no error")
	}
}
