package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// fileExtensions are those of the files that kubectl reads in a directory.
var fileExtensions = []string{".json", ".yaml", ".yml"}

// ReadFiles reads paths as kubectl does for -f: a file of any name, the .yaml, .yml
// and .json files of a directory in the order of their names (with those of its
// sub-directories if recursive), or stdin for [Stdin]. Each file must have an
// AdapterSet, and each directory a file. An error means that nothing is to be used;
// it joins what is wrong in all of them.
func ReadFiles(paths []string, recursive bool, stdin io.Reader) ([]Document, error) {
	docs := []Document{}
	problems := []error{}
	stdinRead := false
	for _, path := range paths {
		if path == Stdin && stdinRead {
			problems = append(problems, fmt.Errorf("%s is given twice, but can be read only once", Stdin))
			continue
		}
		stdinRead = stdinRead || path == Stdin
		found, err := readPath(path, recursive, stdin)
		docs = append(docs, found...)
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return docs, nil
}

func readPath(path string, recursive bool, stdin io.Reader) ([]Document, error) {
	if path == Stdin {
		return Read("stdin", stdin)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return readFile(path)
	}
	return readDirectory(path, recursive)
}

func readFile(path string) ([]Document, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return Read(path, file)
}

func readDirectory(root string, recursive bool) ([]Document, error) {
	files, err := filesIn(root, recursive)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no AdapterSet in %s: it has no .yaml, .yml or .json file (sub-directories need -R)", root)
	}
	docs := []Document{}
	problems := []error{}
	for _, file := range files {
		found, err := readFile(file)
		docs = append(docs, found...)
		problems = append(problems, err)
	}
	return docs, errors.Join(problems...)
}

// filesIn returns the files of a directory by their extension alone, so that links
// count: the files of a mounted ConfigMap are links. WalkDir orders them by name.
func filesIn(root string, recursive bool) ([]string, error) {
	files := []string{}
	err := filepath.WalkDir(withSeparator(root), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != withSeparator(root) && !recursive:
			return fs.SkipDir
		case !entry.IsDir() && slices.Contains(fileExtensions, filepath.Ext(path)):
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

// withSeparator returns a root that WalkDir follows where it is a link.
func withSeparator(root string) string {
	return filepath.Clean(root) + string(filepath.Separator)
}
