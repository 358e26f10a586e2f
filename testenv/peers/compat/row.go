package compat

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// outVariable names the variable with the file to which rows are appended, one JSON
// object a line.
const outVariable = "PORTSIDE_PEERS_OUT"

// Row is a row of the compatibility table.
type Row struct {
	Tool    string  `json:"tool"`
	Mode    string  `json:"mode"`
	Answers Answers `json:"answers"`
	// Set is what to set or to avoid; empty if nothing is.
	Set string `json:"set"`
}

// Answers are the columns of the table, as observed.
type Answers struct {
	InSync           string `json:"inSync"`
	SyncChangesPorts string `json:"syncChangesPorts"`
	SyncRestartsPods string `json:"syncRestartsPods"`
	OwnerCanChange   string `json:"ownerCanChange"`
	GitDeclaresPort  string `json:"gitDeclaresPort"`
	RemovedByHand    string `json:"removedByHand"`
	Replace          string `json:"replace"`
}

// NotAsked is the answer if a question does not apply to the mode.
const NotAsked = "-"

// notCompared is the answer of a tool without a comparison.
const notCompared = "not compared"

var writing sync.Mutex

// Write appends the row to the file in PORTSIDE_PEERS_OUT, if that is set.
func (r Row) Write() error {
	path := os.Getenv(outVariable)
	if path == "" {
		return nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	writing.Lock()
	defer writing.Unlock()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("%s: %w", outVariable, err)
	}
	_, err = file.Write(append(line, '\n'))
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
