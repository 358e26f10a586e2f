package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// render writes the table and the plots of a report in JSON next to it.
func render(args []string) error {
	if len(args) != 1 {
		return errors.New("render needs the file of a report: bench render testenv/bench/results/report.json")
	}
	path := args[0]
	if err := fromRoot(&path); err != nil {
		return err
	}
	files, err := rendered(path)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), content, 0o644); err != nil { //nolint:gosec // G306: for everyone to read
			return err
		}
	}
	return nil
}

// rendered returns the files of a report by their names.
func rendered(path string) (map[string][]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the report: %w; make one with -o json", err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("cannot read the report %s: %w; make one with -o json", path, err)
	}
	files := map[string][]byte{"table.txt": []byte(r.table())}
	for _, c := range r.charts() {
		if files[c.name+".svg"], err = c.svg(); err != nil {
			return nil, err
		}
	}
	return files, nil
}
